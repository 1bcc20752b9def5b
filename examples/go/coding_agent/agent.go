package main

// The agent: a loop of generation and tool calls, bounded in steps, each recorded as a span.
//
//	trace > agent > step > generation, tool, tool, ...
//	              > critic (do the tests really pass?)

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	trunkline "trunkline.dev/go"
)

const (
	maxFailedGenerations = 3
	maxWrongEndings      = 2  // how often it may say that it is done and be wrong
	maxCalls             = 16 // of one message
	retryDelay           = 100 * time.Millisecond

	instructions = "You repair a small Python program. One of its tests fails. Use the tools to run the tests, read the files and " +
		"edit the program until all tests pass; do not change the tests. Then answer with one sentence that says what was wrong."
)

type report struct {
	passed     bool
	steps      int
	stopReason string // success, final (the model gave up), max_steps, unrecoverable_error
}

// What follows a step.
const (
	goOn   = "max_steps"
	passed = "success"
	gaveUp = "final"
	broken = "unrecoverable_error"
)

// firstLine is for the terminal, whose control characters are nothing to be left to a model.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	runes := []rune(line)
	cut := len(runes) > 100
	if cut {
		runes = runes[:100]
	}
	for i, each := range runes {
		if each < ' ' || each > '~' {
			runes[i] = '?'
		}
	}
	if cut {
		return string(runes) + "..."
	}
	return string(runes)
}

type agent struct {
	place             *workspace
	model             model
	maxSteps          int
	failedGenerations int // in a row
	wrongEndings      int
	messages          []any
}

func newAgent(place *workspace, thinker model, maxSteps int) *agent {
	return &agent{place: place, model: thinker, maxSteps: maxSteps, messages: []any{
		message{"role": "system", "content": instructions},
		message{"role": "user", "content": "A test fails in this folder. Please repair the program."}}}
}

func textOf(of message, key string) string {
	text, _ := of[key].(string)
	return text
}

func (a *agent) work(ctx context.Context) (found report) {
	ctx, span := trunkline.Start(ctx, "coding_agent", trunkline.KindAgent,
		trunkline.String("gen_ai.agent.name", "coding_agent"))
	defer span.End()
	span.SetModel(a.model.name())
	span.SetInput(instructions)
	after := goOn
	for after == goOn && found.steps < a.maxSteps {
		found.steps++
		after = a.step(ctx, found.steps)
	}
	output := ""
	found.passed = after == passed
	if !found.passed {
		found.passed, output = a.verify(ctx)
	}
	found.stopReason = after
	if found.passed {
		found.stopReason = passed
	}
	span.Set(trunkline.String("stop_reason", found.stopReason))
	span.SetOutput(textOf(a.messages[len(a.messages)-1].(message), "content"))
	if !found.passed {
		span.SetError(found.stopReason, firstLine(output))
	}
	return found
}

func (a *agent) step(ctx context.Context, number int) string {
	ctx, span := trunkline.Start(ctx, fmt.Sprint("step ", number), trunkline.KindStep)
	defer span.End()
	span.SetStep(number)
	answer := a.generate(ctx)
	if answer.errorType != "" {
		fmt.Printf("step %d: the model failed: %s\n", number, firstLine(answer.errorMessage))
		span.SetError(answer.errorType, "the model failed")
		a.failedGenerations++
		if a.failedGenerations == maxFailedGenerations {
			return broken
		}
		time.Sleep(retryDelay << a.failedGenerations)
		return goOn
	}
	a.failedGenerations = 0
	a.messages = append(a.messages, answer.message)
	if said := textOf(answer.message, "content"); said != "" {
		fmt.Printf("step %d: %s\n", number, firstLine(said))
	}
	calls, _ := answer.message["tool_calls"].([]any)
	if len(calls) == 0 {
		return a.judgeFinalAnswer(ctx)
	}
	for i, call := range calls {
		if i < maxCalls {
			a.callTool(ctx, call.(message))
		} else { // every call must be answered, or the conversation is not valid
			a.answer(call.(message), "error: too many calls")
		}
	}
	return goOn
}

func (a *agent) generate(ctx context.Context) completion {
	ctx, span := trunkline.Start(ctx, "chat "+a.model.name(), trunkline.KindGeneration,
		trunkline.String("gen_ai.operation.name", "chat"), trunkline.String("gen_ai.provider.name", a.model.provider()))
	defer span.End()
	span.SetModel(a.model.name())
	span.SetInput(a.messages)
	answer := a.model.complete(ctx, a.messages, definitions)
	if answer.errorType != "" {
		span.SetError(answer.errorType, answer.errorMessage)
		return answer
	}
	span.SetOutput(answer.message)
	u := answer.usage
	span.SetUsage(count(u.input), count(u.output), trunkline.Total(count(u.total)), trunkline.CacheRead(count(u.cacheRead)),
		trunkline.Reasoning(count(u.reasoning)))
	span.Set(trunkline.String("gen_ai.response.model", answer.model),
		trunkline.String("gen_ai.response.finish_reasons", answer.finishReason))
	return answer
}

func count(told *int64) int64 {
	if told == nil {
		return trunkline.Unknown
	}
	return *told
}

func (a *agent) callTool(ctx context.Context, call message) {
	function := call["function"].(message)
	name, given := textOf(function, "name"), textOf(function, "arguments")
	_, span := trunkline.Start(ctx, name, trunkline.KindTool, trunkline.String("gen_ai.tool.name", name),
		trunkline.String("gen_ai.tool.call.id", textOf(call, "id")))
	span.SetInput(json.RawMessage(given))
	result := runTool(a.place, name, given)
	span.SetOutput(result.text)
	if result.errorType != "" {
		span.SetError(result.errorType, result.text)
	}
	span.End()
	fmt.Printf("  %s: %s\n", name, firstLine(result.text))
	a.answer(call, result.text)
}

func (a *agent) answer(call message, text string) {
	a.messages = append(a.messages, message{"role": "tool", "tool_call_id": call["id"], "content": text})
}

// judgeFinalAnswer: the model says that it is done. Only the tests know.
func (a *agent) judgeFinalAnswer(ctx context.Context) string {
	ok, output := a.verify(ctx)
	if ok {
		return passed
	}
	a.wrongEndings++
	if a.wrongEndings == maxWrongEndings {
		return gaveUp
	}
	a.messages = append(a.messages, message{"role": "user", "content": "The tests do not pass yet. They print:\n" + output})
	return goOn
}

func (a *agent) verify(ctx context.Context) (bool, string) {
	_, span := trunkline.Start(ctx, "tests", trunkline.KindCritic)
	defer span.End()
	ok, output := a.place.runTests()
	score := 0.0
	if ok {
		score = 1
	}
	span.SetScore("tests", score)
	span.SetOutput(output)
	return ok, output
}
