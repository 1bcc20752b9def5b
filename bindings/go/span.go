package trunkline

// Spans. What is set on a span waits in Go, packed, and crosses to the library in one call: when the span ends, when it
// gets a child, an event, an input or the like, when it is much, or when Flush asks for it.

// #cgo noescape trgo_span_start
// #cgo nocallback trgo_span_start
// #cgo noescape trgo_span_set
// #cgo nocallback trgo_span_set
// #cgo noescape trgo_span_end
// #cgo nocallback trgo_span_end
// #cgo noescape trgo_span_set_text
// #cgo nocallback trgo_span_set_text
// #cgo noescape trgo_span_set_number
// #cgo nocallback trgo_span_set_number
// #cgo noescape trgo_span_set_field
// #cgo nocallback trgo_span_set_field
// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
	"sync/atomic"
	"unsafe"
)

const (
	largeText   = 2048 // longer texts are not copied in Go first
	startBuffer = 256  // for attributes of Start, on the stack
)

// bufferLimit is set by WithAttributeBuffer.
var bufferLimit atomic.Int64

func init() { bufferLimit.Store(defaultBuffer) }

// A Span is a timed step of a trace. Its methods may be called from any goroutine, on nil, and after End.
type Span struct {
	handle C.tr_span
	trace  *Trace
	waits  *buffer // nil: nothing waits
	id     SpanID  // zero until somebody asked for it
	latch  latch   // of what waits, and of the id
	owns   bool    // the trace was made for it and ends with it
}

// notRecording is what Start gives where nothing is recorded. It has no handle, so nothing is ever written to it.
var notRecording Span

// A StartOption is a [Kind], an [Attr], or [WithForeignID].
type StartOption interface{ startOption() }

type foreignID string

func (foreignID) startOption() {}
func (foreignID) traceOption() {}

// WithForeignID keeps the id that another system gave the span or trace, any text.
func WithForeignID(id string) interface {
	StartOption
	TraceOption
} {
	return foreignID(id)
}

// Start starts a span, a child of the one that is current in ctx, and makes it current in the context it returns. Outside
// of every trace, or when that trace has ended, the span brings a trace of its own. The span is never nil.
//
//	ctx, span := trunkline.Start(ctx, "search", trunkline.KindTool)
//	defer span.End()
func Start(ctx context.Context, name string, options ...StartOption) (context.Context, *Span) {
	ctx = orBackground(ctx)
	trace, parent, owns := place(ctx, name)
	if trace == nil || trace.handle == 0 {
		return notRecordedRoot(ctx, owns), &notRecording
	}
	kind, options := leadingKind(options)
	var packed []byte
	later := 0
	if len(options) > 0 {
		var stack [startBuffer]byte
		kind, packed, later = packOptions(kind, stack[:0], options)
	}
	var above C.tr_span
	if parent != nil {
		parent.Flush()
		above = parent.handle
	}
	data, size := text(name)
	handle := C.trgo_span_start(trace.handle, above, C.tr_kind(kind), data, size,
		(*C.char)(unsafe.Pointer(unsafe.SliceData(packed))), C.size_t(len(packed)))
	if handle == 0 {
		if owns {
			trace.End()
		}
		return notRecordedRoot(ctx, owns), &notRecording
	}
	made := &node{Context: ctx}
	made.current = &made.span
	made.span.handle, made.span.trace, made.span.owns = handle, trace, owns
	if later < len(options) {
		made.span.setLater(options[later:])
	}
	return made, &made.span
}

// notRecordedRoot is the context of a span that is not recorded. When it was to bring a trace of its own, what is started
// inside is not recorded, either, and does not become traces.
func notRecordedRoot(ctx context.Context, root bool) context.Context {
	if root {
		return ContextWithTrace(ctx, &notRecorded)
	}
	return ctx
}

// place finds what a new span is started in; `owns`: a trace that was made for it. No trace: nothing is recorded.
func place(ctx context.Context, name string) (trace *Trace, parent *Span, owns bool) {
	around := nodeOf(ctx)
	if around == nil {
		return newTrace(name, nil), nil, true
	}
	trace = around.current.trace
	if trace != nil && trace.ended.Load() && !(around == ctx && around.chosen()) {
		return newTrace(name, nil), nil, true
	}
	return trace, around.current, false
}

// leadingKind takes off the kind, which mostly stands first, and mostly alone.
func leadingKind(options []StartOption) (Kind, []StartOption) {
	if len(options) > 0 {
		if kind, ok := options[0].(Kind); ok {
			return kind, options[1:]
		}
	}
	return 0, options
}

// packOptions packs attributes up to the first option that has to wait for the span.
func packOptions(kind Kind, packed []byte, options []StartOption) (_ Kind, to []byte, later int) {
	later = len(options)
	for i, option := range options {
		switch o := option.(type) {
		case Kind:
			kind = o
		case Attr:
			if o.Value.isText() && o.Value.size > largeText {
				later = min(later, i)
			} else if i < later {
				packed = appendAttr(packed, &o)
			}
		case foreignID:
			later = min(later, i)
		}
	}
	return kind, packed, later
}

func (s *Span) setLater(options []StartOption) {
	for _, option := range options {
		switch o := option.(type) {
		case Attr:
			s.Set(o)
		case foreignID:
			s.SetForeignID(string(o))
		}
	}
}

// End ends the span. Deferred, it records a panic that passes by, which goes on. Of several calls the first counts.
func (s *Span) End() {
	if !s.Recording() {
		return
	}
	panicked := recover()
	if panicked != nil {
		s.setPanic(panicked)
		if s.owns {
			s.trace.setPanic(panicked)
		}
	}
	if s.latch.close() {
		s.endWithWhatWaits()
	} else {
		s.endAgain()
	}
	if s.owns {
		s.trace.End()
	}
	if panicked != nil {
		panic(panicked)
	}
}

func (s *Span) endWithWhatWaits() {
	waits := s.waits
	if waits == nil {
		C.trgo_span_end(s.handle, nil, 0)
		return
	}
	s.waits = nil
	C.trgo_span_end(s.handle, (*C.char)(unsafe.Pointer(unsafe.SliceData(waits.bytes))), C.size_t(len(waits.bytes)))
	waits.giveBack()
}

// endAgain is for the library to count. The first call of End may still be on its way there, with attributes.
func (s *Span) endAgain() {
	for C.tr_span_get_ids(s.handle, nil, nil) == 0 {
		runtime.Gosched()
	}
	C.trgo_span_end(s.handle, nil, 0)
}

// Recording tells whether the span was accepted. False: nothing was started, tracing is off, or it is not sampled.
func (s *Span) Recording() bool { return s != nil && s.handle != 0 }

// Set sets attributes; the last value of a key wins.
func (s *Span) Set(attrs ...Attr) {
	if !s.Recording() {
		return
	}
	limit := bufferLimit.Load()
	if limit <= 0 || !s.latch.take() {
		for i := range attrs {
			s.setNow(&attrs[i])
		}
		return
	}
	if s.waits == nil {
		s.waits = bufferFor(s)
	}
	for i := range attrs {
		if attrs[i].Value.isText() && attrs[i].Value.size > largeText {
			s.flushLatched()
			s.setNow(&attrs[i])
		} else {
			s.waits.bytes = appendAttr(s.waits.bytes, &attrs[i])
		}
	}
	if int64(len(s.waits.bytes)) > limit {
		s.flushLatched()
	}
	s.latch.release()
}

// setNow crosses at once; a text straight from its memory.
func (s *Span) setNow(attr *Attr) {
	key, keySize := text(attr.Key)
	value := &attr.Value
	switch value.typ {
	case TypeString, TypeBytes, TypeJSON:
		data, size := text(value.raw())
		C.trgo_span_set_text(s.handle, C.tr_type(value.typ), key, keySize, data, size)
	case TypeInt, TypeFloat, TypeBool:
		C.trgo_span_set_number(s.handle, C.tr_type(value.typ), key, keySize, C.uint64_t(value.bits))
	default:
		var stack [startBuffer]byte
		s.setPacked(appendAttr(stack[:0], attr))
	}
}

func (s *Span) setPacked(packed []byte) {
	C.trgo_span_set(s.handle, (*C.char)(unsafe.Pointer(unsafe.SliceData(packed))), C.size_t(len(packed)))
}

// Flush hands over the attributes that wait in Go, which a crash would take: for a span that stays open for long.
func (s *Span) Flush() {
	if s.Recording() && s.latch.take() {
		s.flushLatched()
		s.latch.release()
	}
}

func (s *Span) flushLatched() {
	if s.waits != nil && len(s.waits.bytes) > 0 {
		s.setPacked(s.waits.bytes)
		s.waits.bytes = s.waits.bytes[:0]
	}
}

// Start starts a child of this span, wherever it is called.
func (s *Span) Start(ctx context.Context, name string, options ...StartOption) (context.Context, *Span) {
	return Start(ContextWithSpan(ctx, s), name, options...)
}

// String names the span, for a log.
func (s *Span) String() string {
	switch {
	case s.Recording():
		return s.trace.String() + ", span " + s.SpanID()
	case s != nil && s.trace != nil: // where spans are started at its top
		return s.trace.String()
	}
	return "not recorded"
}

// Trace is the trace of the span; nil when it is not recorded.
func (s *Span) Trace() *Trace {
	if !s.Recording() {
		return nil
	}
	return s.trace
}

// TraceID is the id of the span's trace in hexadecimal digits; empty when it is not recorded.
func (s *Span) TraceID() string { return s.Trace().TraceID() }

// SpanID is the id of the span in hexadecimal digits; empty when it is not recorded, or was not asked for before its end.
func (s *Span) SpanID() string {
	if !s.Recording() {
		return ""
	}
	open := s.latch.take()
	if open && s.id.IsZero() {
		C.tr_span_get_ids(s.handle, nil, (*C.uint8_t)(&s.id[0]))
	}
	id := s.id
	if open {
		s.latch.release()
	}
	if id.IsZero() {
		return ""
	}
	return id.String()
}
