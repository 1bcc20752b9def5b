package trunkline

// Which span is current: a context.Context carries it, and nothing else does.

import (
	"context"
	"fmt"
)

// A node is a context in which a trace or span is current. A new span lies in it, so that both are made at once.
type node struct {
	context.Context
	current *Span // without a handle: its trace itself; without a trace, too: nothing is recorded here
	span    Span
}

// scopeKey is what a node is asked for through the contexts that were made of it.
var scopeKey any = new(byte)

func (n *node) Value(key any) any {
	if key == scopeKey {
		return n
	}
	return n.Context.Value(key)
}

// String is what a log prints of a context, which must not look into a span that others write to.
func (n *node) String() string {
	around, ok := n.Context.(fmt.Stringer)
	if !ok {
		return fmt.Sprintf("%T.With(%v)", n.Context, n.current)
	}
	return fmt.Sprintf("%v.With(%v)", around, n.current)
}

// chosen tells whether it was made for a parent that somebody chose.
func (n *node) chosen() bool { return n.current != &n.span }

func nodeOf(ctx context.Context) *node {
	if ctx == nil {
		return nil
	}
	if n, ok := ctx.(*node); ok {
		return n
	}
	n, _ := ctx.Value(scopeKey).(*node)
	return n
}

// CurrentSpan is the span that is current in ctx, or nil, with which everything may be done that is done with a span.
func CurrentSpan(ctx context.Context) *Span {
	if n := nodeOf(ctx); n != nil && n.current.handle != 0 {
		return n.current
	}
	return nil
}

// CurrentTrace is the trace that ctx belongs to, or nil.
func CurrentTrace(ctx context.Context) *Trace {
	if n := nodeOf(ctx); n != nil {
		return n.current.trace
	}
	return nil
}

// ContextWithSpan is ctx with another current span: the parent of what is started in it. It takes a span to where its own
// context does not reach, such as work that outlives a deadline.
func ContextWithSpan(ctx context.Context, span *Span) context.Context {
	if span == nil {
		return orBackground(ctx)
	}
	return &node{Context: orBackground(ctx), current: span}
}

// ContextWithTrace is ctx with another current trace, at whose top spans are started.
func ContextWithTrace(ctx context.Context, trace *Trace) context.Context {
	if trace == nil {
		return orBackground(ctx)
	}
	return &node{Context: orBackground(ctx), current: &Span{trace: trace}}
}

// Disabled is a context in which nothing is recorded.
func Disabled(ctx context.Context) context.Context {
	return &node{Context: orBackground(ctx), current: &notRecording}
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}
