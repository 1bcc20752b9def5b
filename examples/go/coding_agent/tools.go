package main

// What the model may do, in the form of OpenAI's tool definitions, and the doing.

import "encoding/json"

type toolResult struct{ text, errorType string }

func definition(name, description string, parameters ...string) any {
	properties := message{}
	required := []any{}
	for _, each := range parameters {
		properties[each] = message{"type": "string"}
		required = append(required, each)
	}
	return message{"type": "function", "function": message{"name": name, "description": description,
		"parameters": message{"type": "object", "properties": properties, "required": required}}}
}

var definitions = []any{
	definition("run_tests", "Runs all tests and returns the exit code and what they print."),
	definition("list_files", "Lists the files of the folder, one a line."),
	definition("read_file", "Returns the text of a file.", "path"),
	definition("edit_file", "Replaces `old`, which must occur exactly once in the file, by `new`. Tests cannot be changed.",
		"path", "old", "new"),
}

// texts are the members of those names, if all are texts.
func texts(given message, names ...string) ([]string, bool) {
	var found []string
	for _, name := range names {
		text, ok := given[name].(string)
		if !ok {
			return nil, false
		}
		found = append(found, text)
	}
	return found, true
}

func runTool(place *workspace, name, arguments string) toolResult {
	if arguments == "" {
		arguments = "{}"
	}
	var given message
	if err := json.Unmarshal([]byte(arguments), &given); err != nil || given == nil {
		return toolResult{"error: the arguments are not a JSON object", "bad_arguments"}
	}
	switch name {
	case "run_tests":
		_, output := place.runTests() // tests that fail are a result, not an error
		return toolResult{text: output}
	case "list_files":
		return attempt("list_failed", place.files)
	case "read_file":
		found, ok := texts(given, "path")
		if !ok {
			return toolResult{"error: read_file needs path", "bad_arguments"}
		}
		return attempt("read_failed", func() (string, error) { return place.read(found[0]) })
	case "edit_file":
		found, ok := texts(given, "path", "old", "new")
		if !ok {
			return toolResult{"error: edit_file needs path, old and new", "bad_arguments"}
		}
		return attempt("edit_failed", func() (string, error) { return place.edit(found[0], found[1], found[2]) })
	}
	return toolResult{"error: there is no tool of this name", "unknown_tool"}
}

func attempt(errorType string, action func() (string, error)) toolResult {
	text, err := action()
	if err != nil {
		return toolResult{"error: " + err.Error(), errorType}
	}
	return toolResult{text: text}
}
