package main

// What thinks: given the conversation and the tools, it answers with a message of the assistant, in the form of OpenAI's
// chat completions. Either a server that speaks that protocol, or a planner without one.

import (
	"bytes"
	"context"
	"encoding/json"
)

// A message is JSON as it goes over the wire, so that what a server adds is sent back to it.
type message = map[string]any

// A usage is counts of tokens; nil: not told.
type usage struct{ input, output, total, cacheRead, reasoning *int64 }

type completion struct {
	message      message
	model        string
	finishReason string
	usage        usage
	errorType    string // set when there is no message
	errorMessage string
}

type model interface {
	name() string
	provider() string
	complete(ctx context.Context, messages, tools []any) completion
}

// toText is JSON text, the same for the same value.
func toText(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values here are made of maps, lists and texts
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}
