package trunkline

// Traces, and how they are continued from elsewhere.

// #cgo noescape trgo_trace_start
// #cgo nocallback trgo_trace_start
// #include "glue.h"
import "C"

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// A TraceID is the id of a trace.
type TraceID [16]byte

// A SpanID is the id of a span.
type SpanID [8]byte

func (id TraceID) String() string { return hex.EncodeToString(id[:]) }
func (id SpanID) String() string  { return hex.EncodeToString(id[:]) }

// IsZero tells that there is no id.
func (id TraceID) IsZero() bool { return id == TraceID{} }

// IsZero tells that there is no id.
func (id SpanID) IsZero() bool { return id == SpanID{} }

// A Trace is one run of an agent: a tree of spans. Its methods may be called from any goroutine, on nil, and after End.
type Trace struct {
	handle C.tr_trace
	id     TraceID
	ended  atomic.Bool
	passes *TraceContext // of a trace that is not recorded: what it would have continued
}

// notRecorded is the trace of what is not recorded.
var notRecorded Trace

// A TraceOption is an [Attr], which becomes metadata, [WithGroup], [WithForeignID], [WithTraceparent] or
// [WithRemoteParent].
type TraceOption interface{ traceOption() }

type group string

func (group) traceOption() {}

// WithGroup names the conversation or session that a trace belongs to.
func WithGroup(id string) TraceOption { return group(id) }

// A TraceContext is a W3C trace context: where a trace or span of another process is continued.
type TraceContext struct {
	TraceID TraceID
	SpanID  SpanID
	Flags   uint32 // 1: sampled; 2: the trace id is random
}

func (TraceContext) traceOption() {}

const knownFlags = 3 // of TraceContext

// String is the W3C `traceparent`.
func (c TraceContext) String() string {
	return fmt.Sprintf("00-%s-%s-%02x", c.TraceID, c.SpanID, c.Flags&knownFlags)
}

// WithRemoteParent continues a trace of another process: same trace id, and spans without a parent of their own are
// children of its span. It is recorded only if its flags say sampled.
func WithRemoteParent(parent TraceContext) TraceOption { return parent }

// WithTraceparent continues the trace that a `traceparent` header names. One that is not valid is ignored.
func WithTraceparent(traceparent string) TraceOption {
	parent, err := ParseTraceparent(traceparent)
	if err != nil {
		return nil
	}
	return parent
}

// ParseTraceparent reads a W3C `traceparent`.
func ParseTraceparent(traceparent string) (TraceContext, error) {
	var ids [24]byte
	var flags C.uint32_t
	data, size := text(traceparent)
	code := C.trgo_context_extract(data, size, (*C.uint8_t)(&ids[0]), &flags)
	if code != 0 {
		return TraceContext{}, errorOf(code)
	}
	return TraceContext{TraceID(ids[:16]), SpanID(ids[16:]), uint32(flags)}, nil
}

// StartTrace starts a trace and makes it current in the context it returns. The trace is never nil.
func StartTrace(ctx context.Context, name string, options ...TraceOption) (context.Context, *Trace) {
	ctx = orBackground(ctx)
	if n := nodeOf(ctx); n != nil && n.current.trace == nil {
		return ctx, &notRecorded
	}
	trace := newTrace(name, options)
	made := &node{Context: ctx}
	made.current, made.span.trace = &made.span, trace
	return made, trace
}

func newTrace(name string, options []TraceOption) *Trace {
	var metadata []Attr
	var conversation, foreign string
	var ids [24]byte
	var parent *C.uint8_t
	var flags uint32
	var continued *TraceContext
	for _, option := range options {
		switch o := option.(type) {
		case Attr:
			metadata = append(metadata, o)
		case group:
			conversation = string(o)
		case foreignID:
			foreign = string(o)
		case TraceContext:
			copy(ids[:16], o.TraceID[:])
			copy(ids[16:], o.SpanID[:])
			parent, flags, continued = (*C.uint8_t)(&ids[0]), o.Flags, &o
		}
	}
	data, size := text(name)
	groupData, groupSize := text(conversation)
	foreignData, foreignSize := text(foreign)
	list := pack(metadata)
	trace := &Trace{handle: C.trgo_trace_start(data, size, groupData, groupSize, foreignData, foreignSize, parent,
		C.uint32_t(flags), list.data(), list.size(), list.attributes(), list.arrayElements())}
	if trace.handle != 0 {
		C.tr_trace_get_id(trace.handle, (*C.uint8_t)(&trace.id[0]))
	} else {
		trace.passes = continued
	}
	return trace
}

// End ends the trace. Spans that are open may still end for a while, then they are ended as incomplete. Deferred, it
// records a panic that passes by, which goes on.
func (t *Trace) End() {
	if !t.Recording() {
		return
	}
	if panicked := recover(); panicked != nil {
		defer panic(panicked)
		t.setPanic(panicked)
	}
	t.ended.Store(true)
	C.tr_trace_end(t.handle)
}

// Recording tells whether the trace was accepted. False: nothing was started, tracing is off, or it is not sampled.
func (t *Trace) Recording() bool { return t != nil && t.handle != 0 }

// Start starts a span at the top of this trace, wherever it is called.
func (t *Trace) Start(ctx context.Context, name string, options ...StartOption) (context.Context, *Span) {
	return Start(ContextWithTrace(ctx, t), name, options...)
}

// Set sets items of metadata; the last value of a key wins. stop_reason is the well-known key for why an agent stopped.
func (t *Trace) Set(attrs ...Attr) {
	if t.Recording() {
		list := pack(attrs)
		C.trgo_trace_set(t.handle, list.data(), list.size(), list.attributes(), list.arrayElements())
	}
}

// RecordError marks the trace as failed, as [Span.RecordError].
func (t *Trace) RecordError(err error) {
	if err != nil {
		t.SetError(errorType(err), errorMessage(err))
	}
}

// SetError marks the trace as failed. The type is a short name, the message free text; either may be empty.
func (t *Trace) SetError(typ, message string) {
	if t.Recording() {
		data, size := text(typ)
		words, length := text(message)
		C.tr_trace_set_error(t.handle, data, size, words, length)
	}
}

func (t *Trace) setPanic(panicked any) { t.SetError(panicType(panicked), panicMessage(panicked)) }

// Event records that something happened now; it is delivered at once.
func (t *Trace) Event(name string, attrs ...Attr) {
	if t.Recording() {
		list := pack(attrs)
		data, size := text(name)
		C.trgo_trace_event(t.handle, data, size, list.data(), list.size(), list.attributes(), list.arrayElements())
	}
}

// TraceID is the id in hexadecimal digits; empty when the trace is not recorded.
func (t *Trace) TraceID() string {
	if !t.Recording() {
		return ""
	}
	return t.id.String()
}

// String names the trace, for a log.
func (t *Trace) String() string {
	if !t.Recording() {
		return "not recorded"
	}
	return "trace " + t.TraceID()
}

// Traceparent is the W3C trace context that makes another process go on in this trace; empty when it has ended. Of a trace
// that is not recorded it is the one that it continues, with its decision not to sample, or empty.
func (t *Trace) Traceparent() string {
	if t.Recording() {
		return inject(C.uint64_t(t.handle))
	}
	if t == nil || t.passes == nil {
		return ""
	}
	return t.passes.String()
}

// Traceparent is the W3C trace context that makes another process go on from this span; empty when it is not recorded or
// has ended.
func (s *Span) Traceparent() string {
	if !s.Recording() {
		return ""
	}
	return inject(C.uint64_t(s.handle))
}

// Traceparent is the W3C trace context of what is current in ctx, to be sent to another process.
func Traceparent(ctx context.Context) string {
	if span := CurrentSpan(ctx); span != nil {
		return span.Traceparent()
	}
	return CurrentTrace(ctx).Traceparent()
}

func inject(handle C.uint64_t) string {
	var header [C.TR_TRACEPARENT_SIZE + 1]byte
	if C.tr_context_inject(handle, (*C.char)(unsafe.Pointer(&header[0])), C.size_t(len(header))) != 0 {
		return ""
	}
	return string(header[:C.TR_TRACEPARENT_SIZE])
}
