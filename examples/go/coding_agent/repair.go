package main

// What the planner knows of Python: to read which assertion failed, to find functions, and small changes to them.

import (
	"regexp"
	"sort"
	"strings"
)

type failure struct {
	test      string
	line      string // of the test, where it failed
	complaint string
}

type function struct{ file, name, text string }

type change struct {
	what string
	text string // of the whole function, changed
}

var rules = map[string][][2]string{
	"boundary": {{" < ", " <= "}, {" <= ", " < "}, {" > ", " >= "}, {" >= ", " > "}},
	"index": {{"range(1, ", "range("}, {"range(", "range(1, "}, {" - 1)", ")"}, {")):", ") + 1):"}, {"[0]", "[-1]"},
		{"[-1]", "[0]"}, {"[1:]", ""}},
	"arithmetic": {{" + ", " - "}, {" - ", " + "}, {" * ", " // "}, {" // ", " * "}, {"+=", "-="}, {"-=", "+="}},
	"logic": {{" == ", " != "}, {" != ", " == "}, {" and ", " or "}, {" or ", " and "}, {"min(", "max("}, {"max(", "min("},
		{"True", "False"}, {"False", "True"}, {" < ", " > "}, {" > ", " < "}},
}

// readFailure finds the first failure that unittest prints.
func readFailure(output string) *failure {
	var found failure
	previous := ""
	traceback := false
	for _, line := range strings.Split(output, "\n") {
		switch {
		case strings.HasPrefix(line, "FAIL: "), strings.HasPrefix(line, "ERROR: "):
			_, rest, _ := strings.Cut(line, ": ")
			found.test, _, _ = strings.Cut(rest, " ")
		case strings.HasPrefix(line, "Traceback "):
			traceback = true
		case traceback && strings.HasPrefix(previous, "  File ") && found.line == "":
			found.line = strings.Trim(line, " \t") // the outermost frame is the test
		case traceback && line != "" && line[0] != ' ':
			if found.line == "" {
				return nil
			}
			found.complaint = line
			return &found
		}
		previous = line
	}
	return nil
}

func linesOf(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// findFunction is the text from its `def` at the margin to the next line at the margin.
func findFunction(source, name string) (string, bool) {
	found, blank, inside := "", "", false
	for _, line := range linesOf(source) {
		if inside && line != "" && line[0] != ' ' && line[0] != '\t' {
			break
		}
		inside = inside || strings.HasPrefix(line, "def "+name+"(")
		if !inside {
			continue
		}
		if strings.Trim(line, " \t") == "" {
			blank += "\n"
			continue
		}
		found += blank + line + "\n"
		blank = ""
	}
	return found, inside
}

var called = regexp.MustCompile(`([0-9A-Za-z_]+)\(`)

// calledFunctions are the functions of the sources that the code calls, in its order.
func calledFunctions(code string, sources map[string]string) []function {
	var files []string
	for file := range sources {
		files = append(files, file)
	}
	sort.Strings(files)
	var functions []function
	seen := map[string]bool{}
	for _, match := range called.FindAllStringSubmatch(code, -1) {
		if name := match[1]; !seen[name] {
			seen[name] = true
			for _, file := range files {
				if text, ok := findFunction(sources[file], name); ok {
					functions = append(functions, function{file, name, text})
				}
			}
		}
	}
	return functions
}

// likeliest: a negative number where none is due points to a sign; a number or text that is off to a boundary or an
// index; a truth value to logic.
func likeliest(complaint string) []string {
	if strings.Contains(complaint, "-") {
		return []string{"arithmetic", "index", "boundary", "logic"}
	}
	if strings.Contains(complaint, "True") || strings.Contains(complaint, "False") {
		return []string{"logic", "boundary", "index", "arithmetic"}
	}
	return []string{"boundary", "index", "arithmetic", "logic"}
}

// candidateChanges are small changes to one line each, the likeliest first.
func candidateChanges(of function, complaint string) []change {
	var changes []change
	lines := linesOf(of.text)
	for _, sort := range likeliest(complaint) {
		for i := 1; i < len(lines); i++ {
			for _, rule := range rules[sort] {
				changes = append(changes, changesOfLine(lines, i, rule[0], rule[1])...)
			}
		}
	}
	return changes
}

func changesOfLine(lines []string, i int, old, changed string) (changes []change) {
	line := lines[i]
	for at := strings.Index(line, old); at >= 0; {
		other := line[:at] + changed + line[at+len(old):]
		text := ""
		for j, each := range lines {
			if j == i {
				each = other
			}
			text += each + "\n"
		}
		changes = append(changes, change{"`" + strings.Trim(line, " \t") + "` to `" + strings.Trim(other, " \t") + "`", text})
		next := strings.Index(line[at+1:], old)
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return changes
}
