package main

// A model behind HTTP.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer    = 4 << 20
	modelTimeout = 2 * time.Minute
)

type openAIModel struct {
	model, url, key string
	client          *http.Client
}

func plain(text string) bool {
	return !strings.ContainsFunc(text, func(each rune) bool { return each <= ' ' || each == 0x7f || each == '"' || each == '\\' })
}

func newOpenAIModel(baseURL, key, name string) (model, error) {
	if !plain(baseURL) || !plain(key) {
		return nil, errors.New("OPENAI_BASE_URL and OPENAI_API_KEY must not hold blanks, quotes or control characters")
	}
	parts, err := url.Parse(baseURL)
	if err != nil || (parts.Scheme != "http" && parts.Scheme != "https") || parts.Hostname() == "" || parts.User != nil {
		return nil, errors.New("OPENAI_BASE_URL must begin with http:// or https:// and hold no user")
	}
	host := parts.Hostname()
	if key != "" && parts.Scheme == "http" && host != "127.0.0.1" && host != "localhost" && host != "::1" {
		return nil, errors.New("OPENAI_API_KEY is not sent unencrypted to another machine")
	}
	client := &http.Client{Timeout: modelTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &openAIModel{name, strings.TrimRight(baseURL, "/") + "/chat/completions", key, client}, nil
}

func (m *openAIModel) name() string     { return m.model }
func (m *openAIModel) provider() string { return "openai" }

func (m *openAIModel) complete(ctx context.Context, messages, tools []any) completion {
	body := toText(message{"model": m.model, "messages": messages, "tools": tools})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, strings.NewReader(body))
	if err != nil {
		return completion{errorType: "transport", errorMessage: err.Error()}
	}
	request.Header.Set("Content-Type", "application/json")
	if m.key != "" {
		request.Header.Set("Authorization", "Bearer "+m.key)
	}
	response, err := m.client.Do(request)
	if err != nil {
		return completion{errorType: "transport", errorMessage: err.Error()}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return completion{errorType: "transport", errorMessage: err.Error()}
	}
	if response.StatusCode != http.StatusOK {
		return completion{errorType: "http_" + strconv.Itoa(response.StatusCode), errorMessage: quoted(text)}
	}
	answer := readAnswer(text)
	if answer.model == "" {
		answer.model = m.model
	}
	return answer
}

func quoted(text []byte) string {
	return strings.ToValidUTF8(string(text[:min(len(text), 200)]), "\uFFFD")
}

func bad(what string, text []byte) completion {
	return completion{errorType: "bad_answer", errorMessage: what + ": " + quoted(text)}
}

func readAnswer(text []byte) completion {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var answer message
	if decoder.Decode(&answer) != nil || answer == nil || decoder.More() {
		return bad("the answer is not a JSON object", text)
	}
	choices, _ := answer["choices"].([]any)
	if len(choices) == 0 {
		return bad("the answer has no choice", text)
	}
	choice, ok := choices[0].(message)
	if !ok {
		return bad("the answer has no choice", text)
	}
	said, ok := choice["message"].(message)
	if !ok || said["role"] != "assistant" || !wellFormedCalls(said) {
		return bad("the answer has no message of the assistant", text)
	}
	return completion{message: said, model: textOf(answer, "model"), finishReason: textOf(choice, "finish_reason"),
		usage: readUsage(answer)}
}

// wellFormedCalls: they have the form that they must have to be sent back.
func wellFormedCalls(said message) bool {
	if said["tool_calls"] == nil {
		return true
	}
	calls, ok := said["tool_calls"].([]any)
	for _, each := range calls {
		call, _ := each.(message)
		function, _ := call["function"].(message)
		_, hasArguments := function["arguments"].(string)
		if textOf(call, "id") == "" || textOf(function, "name") == "" || !hasArguments {
			return false
		}
	}
	return ok
}

func readUsage(answer message) usage {
	told, _ := answer["usage"].(message)
	read, _ := told["prompt_tokens_details"].(message)
	written, _ := told["completion_tokens_details"].(message)
	return usage{counted(told, "prompt_tokens"), counted(told, "completion_tokens"), counted(told, "total_tokens"),
		counted(read, "cached_tokens"), counted(written, "reasoning_tokens")}
}

func counted(in message, name string) *int64 {
	number, _ := in[name].(json.Number)
	count, err := number.Int64()
	if err != nil || count < 0 {
		return nil
	}
	return &count
}
