package trunkline

// What sinks know as fields of a span, events and errors. Each crosses at once, behind the attributes that wait, so that
// of two values of one field the last wins, however it was set.

// #include "glue.h"
import "C"

import "time"

// Unknown is a count of tokens, or a step, that is not known.
const Unknown = -1

// Usage is the tokens of a generation; Unknown: not told. Cached tokens are part of input, reasoning tokens of output.
type Usage struct {
	Input, Output, Total, CacheRead, CacheWrite, Reasoning int64
}

// A UsageDetail is a further count of SetUsage.
type UsageDetail struct {
	field int
	count int64
}

// Total is the count of all tokens, when it is not input + output.
func Total(tokens int64) UsageDetail { return UsageDetail{2, tokens} }

// CacheRead is the count of input tokens that were read from a cache.
func CacheRead(tokens int64) UsageDetail { return UsageDetail{3, tokens} }

// CacheWrite is the count of input tokens that were written to a cache.
func CacheWrite(tokens int64) UsageDetail { return UsageDetail{4, tokens} }

// Reasoning is the count of output tokens that nobody sees.
func Reasoning(tokens int64) UsageDetail { return UsageDetail{5, tokens} }

// SetUsage sets the tokens of a generation.
func (s *Span) SetUsage(input, output int64, details ...UsageDetail) {
	counts := [6]C.int64_t{C.int64_t(input), C.int64_t(output), Unknown, Unknown, Unknown, Unknown}
	for _, each := range details {
		counts[each.field] = C.int64_t(each.count)
	}
	s.cross(func() { C.trgo_span_set_usage(s.handle, &counts[0]) })
}

// SetModel sets the model that is asked for.
func (s *Span) SetModel(model string) { s.setField(C.TRGO_MODEL, textValue(TypeString, model)) }

// SetForeignID keeps the id that another system gave the span.
func (s *Span) SetForeignID(id string) { s.setField(C.TRGO_FOREIGN_ID, textValue(TypeString, id)) }

// SetInput sets what went in: text, or anything else as JSON (json.RawMessage: JSON that is there already). An error is its
// message.
func (s *Span) SetInput(value any) {
	if s.Recording() {
		s.setField(C.TRGO_INPUT, contentValue(value))
	}
}

// SetOutput sets what came out, as SetInput.
func (s *Span) SetOutput(value any) {
	if s.Recording() {
		s.setField(C.TRGO_OUTPUT, contentValue(value))
	}
}

// SetScore sets a score, of a critic or an evaluation, and the name of what scored.
func (s *Span) SetScore(name string, score float64) {
	data, size := text(name)
	s.cross(func() { C.tr_span_set_score(s.handle, data, size, C.double(score)) })
}

// SetStep sets the number of a step.
func (s *Span) SetStep(step int) { s.cross(func() { C.tr_span_set_step(s.handle, C.int64_t(step)) }) }

// Event records that something happened now.
func (s *Span) Event(name string, attrs ...Attr) {
	if !s.Recording() {
		return
	}
	list := pack(attrs)
	data, size := text(name)
	s.cross(func() {
		C.trgo_span_event(s.handle, data, size, list.data(), list.size(), list.attributes(), list.arrayElements())
	})
}

// RecordError marks the span as failed, by the type of the innermost error and the whole message. Nil: nothing.
func (s *Span) RecordError(err error) {
	if err != nil {
		s.SetError(errorType(err), errorMessage(err))
	}
}

// SetError marks the span as failed. The type is a short name, the message free text; either may be empty.
func (s *Span) SetError(typ, message string) {
	data, size := text(typ)
	words, length := text(message)
	s.cross(func() { C.tr_span_set_error(s.handle, data, size, words, length) })
}

func (s *Span) setPanic(panicked any) { s.SetError(panicType(panicked), panicMessage(panicked)) }

func (s *Span) setField(field C.int, value Value) {
	data, size := text(value.raw())
	s.cross(func() { C.trgo_span_set_field(s.handle, field, C.tr_type(value.typ), data, size) })
}

// cross makes a call behind what waits.
func (s *Span) cross(call func()) {
	if !s.Recording() {
		return
	}
	if !s.latch.take() { // too late, which the library counts
		call()
		return
	}
	s.flushLatched()
	call()
	s.latch.release()
}

// A SpanData is a span that was timed elsewhere.
type SpanData struct {
	Name                    string
	Kind                    Kind
	Parent                  *Span // nil: at the top of the trace
	Start, End              time.Time
	Attributes              []Attr
	Err                     error // marks it as failed, or else:
	ErrorType, ErrorMessage string
	ForeignID               string
	SpanID                  SpanID // zero: a new one
}

// Record records a finished span with times of its own.
func (t *Trace) Record(span SpanData) error {
	if !t.Recording() {
		return nil
	}
	var parent C.tr_span
	if span.Parent.Recording() {
		parent = span.Parent.handle
	}
	name, nameSize := text(span.Name)
	foreign, foreignSize := text(span.ForeignID)
	typ, message := span.ErrorType, span.ErrorMessage
	if span.Err != nil {
		typ, message = errorType(span.Err), errorMessage(span.Err)
	}
	typeData, typeSize := text(typ)
	words, wordsSize := text(message)
	list := pack(span.Attributes)
	return errorOf(C.trgo_span_record(t.handle, parent, C.tr_kind(span.Kind), C.int64_t(span.Start.UnixNano()),
		C.int64_t(span.End.UnixNano()), name, nameSize, foreign, foreignSize, typeData, typeSize, words, wordsSize,
		(*C.uint8_t)(&span.SpanID[0]), list.data(), list.size(), list.attributes(), list.arrayElements()))
}
