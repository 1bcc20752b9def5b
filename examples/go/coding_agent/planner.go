package main

// The model for those who have none at hand: generate and validate. It runs the tests, reads which assertion fails, reads
// the functions which that line calls and what they call in turn, and tries small changes until the tests pass. It sees
// only what the tools return, as any model does, and speaks the same protocol.

import (
	"context"
	"fmt"
	"strings"
)

type wanted struct {
	tool      string
	arguments message
}

type planner struct {
	next      func(results []string) message
	callsMade int
	failure   failure
	files     []string
	sources   map[string]string
	suspects  []function
	seen      map[string]bool
	current   function
	changes   []change
	applied   *change
}

func newPlanner() *planner {
	made := &planner{sources: map[string]string{}, seen: map[string]bool{}}
	made.next = made.start
	return made
}

func (p *planner) name() string     { return "planner" }
func (p *planner) provider() string { return "trunkline-example" }

func (p *planner) complete(_ context.Context, messages, _ []any) completion {
	said := p.next(results(messages))
	// It has no tokens; about four characters are one elsewhere.
	input, output := int64(len(toText(messages))/4), int64(len(toText(said))/4)
	reason := "stop"
	if said["tool_calls"] != nil {
		reason = "tool_calls"
	}
	return completion{message: said, model: p.name(), finishReason: reason, usage: usage{input: &input, output: &output}}
}

// results are those of the tools, since the last answer.
func results(messages []any) (found []string) {
	for i := len(messages) - 1; i >= 0; i-- {
		each := messages[i].(message)
		if each["role"] != "tool" {
			break
		}
		found = append([]string{textOf(each, "content")}, found...)
	}
	return found
}

func testsPass(result string) bool { return strings.HasPrefix(result, "exit code 0") }

func (p *planner) start([]string) message {
	p.next = p.readSources
	return p.calls("", wanted{"run_tests", message{}}, wanted{"list_files", message{}})
}

func (p *planner) readSources(results []string) message {
	if len(results) != 2 {
		return say("I did not get what I asked for.")
	}
	if testsPass(results[0]) {
		return say("The tests pass already.")
	}
	found := readFailure(results[0])
	if found == nil {
		return say("The tests fail in a way I do not understand.")
	}
	p.failure = *found
	var reads []wanted
	for _, each := range linesOf(results[1]) {
		if strings.HasSuffix(each, ".py") && !strings.HasPrefix(each, "test") {
			p.files = append(p.files, each)
			reads = append(reads, wanted{"read_file", message{"path": each}})
		}
	}
	if len(reads) == 0 {
		return say("There is no source I could change.")
	}
	p.next = p.takeSuspects
	return p.calls(fmt.Sprintf("%s fails: %s. I look at what `%s` calls.", found.test, found.complaint, found.line), reads...)
}

func (p *planner) takeSuspects(results []string) message {
	for i := range min(len(p.files), len(results)) {
		p.sources[p.files[i]] = results[i]
	}
	p.suspect(p.failure.line)
	p.next = p.judge
	return p.nextTry()
}

func (p *planner) judge(results []string) message {
	if len(results) > 0 && testsPass(results[len(results)-1]) && p.applied != nil {
		return say(fmt.Sprintf("The tests pass. In %s of %s I changed %s.", p.current.name, p.current.file, p.applied.what))
	}
	return p.nextTry()
}

func (p *planner) suspect(code string) {
	for _, each := range calledFunctions(code, p.sources) {
		if !p.seen[each.name] {
			p.seen[each.name] = true
			p.suspects = append(p.suspects, each)
		}
	}
}

// nextTry is the next change to the current suspect, or to the next one; what the last one did is undone in the same step.
func (p *planner) nextTry() message {
	var tries []wanted
	if p.applied != nil {
		tries = append(tries, edit(p.current.file, p.applied.text, p.current.text))
		p.applied = nil
	}
	for len(p.changes) == 0 && len(p.suspects) > 0 {
		p.current, p.suspects = p.suspects[0], p.suspects[1:]
		p.changes = candidateChanges(p.current, p.failure.complaint)
		p.suspect(p.current.text)
	}
	if len(p.changes) == 0 {
		const text = "No small change that I know makes the tests pass."
		if len(tries) == 0 {
			return say(text)
		}
		return p.calls(text, tries...)
	}
	p.applied, p.changes = &p.changes[0], p.changes[1:]
	tries = append(tries, edit(p.current.file, p.current.text, p.applied.text), wanted{"run_tests", message{}})
	return p.calls(fmt.Sprintf("In %s: %s?", p.current.name, p.applied.what), tries...)
}

func edit(file, old, changed string) wanted {
	return wanted{"edit_file", message{"path": file, "old": old, "new": changed}}
}

func (p *planner) calls(why string, tools ...wanted) message {
	var calls []any
	for _, each := range tools {
		p.callsMade++
		calls = append(calls, message{"id": fmt.Sprint("call_", p.callsMade), "type": "function",
			"function": message{"name": each.tool, "arguments": toText(each.arguments)}})
	}
	return message{"role": "assistant", "content": why, "tool_calls": calls}
}

func say(text string) message { return message{"role": "assistant", "content": text} }
