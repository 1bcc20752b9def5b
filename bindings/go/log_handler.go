package trunkline

// log/slog: lines of the log that name the span they were written in.

import (
	"context"
	"log/slog"
	"slices"
)

// NewLogHandler wraps a handler of log/slog: records that are logged with a context in which a trace is current get
// trace_id, where a span is current span_id, too, at the top level.
func NewLogHandler(next slog.Handler) slog.Handler { return &logHandler{root: next, next: next} }

type logHandler struct {
	root   slog.Handler                      // before the first group: where the ids go
	next   slog.Handler                      // with everything
	inside []func(slog.Handler) slog.Handler // what leads from root to next, from the first group on
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	ids := idsOf(ctx)
	if len(ids) == 0 {
		return h.next.Handle(ctx, record)
	}
	if len(h.inside) == 0 {
		record = record.Clone()
		record.AddAttrs(ids...)
		return h.next.Handle(ctx, record)
	}
	handler := h.root.WithAttrs(ids)
	for _, step := range h.inside {
		handler = step(handler)
	}
	return handler.Handle(ctx, record)
}

func idsOf(ctx context.Context) []slog.Attr {
	trace := CurrentTrace(ctx).TraceID()
	if trace == "" {
		return nil
	}
	ids := []slog.Attr{slog.String("trace_id", trace)}
	if span := CurrentSpan(ctx).SpanID(); span != "" {
		ids = append(ids, slog.String("span_id", span))
	}
	return ids
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(h.inside) == 0 {
		return NewLogHandler(h.next.WithAttrs(attrs))
	}
	return h.within(func(handler slog.Handler) slog.Handler { return handler.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.within(func(handler slog.Handler) slog.Handler { return handler.WithGroup(name) })
}

func (h *logHandler) within(step func(slog.Handler) slog.Handler) slog.Handler {
	return &logHandler{h.root, step(h.next), append(slices.Clip(h.inside), step)}
}
