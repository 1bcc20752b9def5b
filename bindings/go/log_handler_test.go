package trunkline

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"
)

func TestLinesOfTheLogNameTheirSpan(t *testing.T) {
	session(t)
	var text bytes.Buffer
	logger := slog.New(NewLogHandler(slog.NewJSONHandler(&text, nil)))
	ctx, span := Start(context.Background(), "span")
	defer span.End()
	inTrace, trace := StartTrace(context.Background(), "trace")
	defer trace.End()
	for what, each := range map[string]struct {
		log    func()
		wanted map[string]any
	}{
		"in a span": {func() { logger.InfoContext(ctx, "m", "a", 1) },
			map[string]any{"a": 1.0, "trace_id": span.TraceID(), "span_id": span.SpanID()}},
		"in a trace": {func() { logger.With("w", 2).InfoContext(inTrace, "m") },
			map[string]any{"w": 2.0, "trace_id": trace.TraceID()}},
		"in a group": {func() { logger.With("w", 2).WithGroup("g").With("x", 3).InfoContext(ctx, "m", "a", 1) },
			map[string]any{"w": 2.0, "g": map[string]any{"x": 3.0, "a": 1.0}, "trace_id": span.TraceID(),
				"span_id": span.SpanID()}},
		"outside": {func() { logger.Info("m") }, map[string]any{}},
	} {
		text.Reset()
		each.log()
		var found map[string]any
		if err := json.Unmarshal(text.Bytes(), &found); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"time", "level", "msg"} {
			delete(found, name)
		}
		if !reflect.DeepEqual(found, each.wanted) {
			t.Errorf("%s: %v and not %v", what, found, each.wanted)
		}
	}
}
