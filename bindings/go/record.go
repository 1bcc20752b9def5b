package trunkline

// Records: what processors receive, copied out of the library's memory. The texts of a record lie in one piece, so that a
// record costs few allocations and may be kept without its batch.

// #include "glue.h"
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// A RecordType is what a record tells.
type RecordType uint32

const (
	RecordTraceStart  RecordType = C.TR_RECORD_TRACE_START
	RecordSpanStart   RecordType = C.TR_RECORD_SPAN_START // only with SpanStarts
	RecordSpanEnd     RecordType = C.TR_RECORD_SPAN_END
	RecordTraceEnd    RecordType = C.TR_RECORD_TRACE_END
	RecordEvent       RecordType = C.TR_RECORD_EVENT
	RecordRunStart    RecordType = C.TR_RECORD_RUN_START // attributes: the configuration
	RecordRunLog      RecordType = C.TR_RECORD_RUN_LOG   // attributes: the metrics
	RecordRunSummary  RecordType = C.TR_RECORD_RUN_SUMMARY
	RecordRunConfig   RecordType = C.TR_RECORD_RUN_CONFIG
	RecordRunTag      RecordType = C.TR_RECORD_RUN_TAG
	RecordRunFinish   RecordType = C.TR_RECORD_RUN_FINISH
	RecordRunArtifact RecordType = C.TR_RECORD_RUN_ARTIFACT // name: its path

	RecordRunAddArtifact RecordType = C.TR_RECORD_RUN_ADD_ARTIFACT
	RecordRunUseArtifact RecordType = C.TR_RECORD_RUN_USE_ARTIFACT
	RecordRunMedia       RecordType = C.TR_RECORD_RUN_MEDIA // name: its key
)

// A RecordFlag is something that is said of a record.
type RecordFlag uint32

const (
	FlagIncomplete  RecordFlag = C.TR_RECORD_INCOMPLETE   // was never ended by the host
	FlagFailed      RecordFlag = C.TR_RECORD_FAILED       // an error was set
	FlagTimeClamped RecordFlag = C.TR_RECORD_TIME_CLAMPED // an end before its start was moved there
	FlagRecovered   RecordFlag = C.TR_RECORD_RECOVERED    // of a process that died
)

// A Record is an immutable snapshot.
type Record struct {
	Type     RecordType
	Flags    RecordFlag
	Kind     Kind
	RunID    string // of the run of the library; in batches only
	Sequence uint64 // position in that run's log, from 1
	TraceID  TraceID
	SpanID   SpanID // of runs their id
	ParentID SpanID // zero: none; may be a span of another process
	StartNS  int64  // Unix time
	EndNS    int64  // 0 in records of starts

	Name, Group, Project, ForeignID string
	Model, ScoreName                string
	ErrorType, ErrorMessage         string

	Input, Output     Value
	Usage             Usage
	Score             float64 // not-a-number: absent, unless ScoreName is set
	Step              int64   // Unknown: absent
	RunStatus         RunStatus
	ExitCode          int
	DroppedAttributes int
	Attributes        []Attr // metadata of traces; each key once
	Events            []Event
}

// An Event happened at one instant inside a span.
type Event struct {
	Name       string
	TimeNS     int64
	Attributes []Attr
}

// Start is the time it began.
func (r *Record) Start() time.Time { return time.Unix(0, r.StartNS) }

// Duration is the time between start and end.
func (r *Record) Duration() time.Duration { return time.Duration(max(r.EndNS-r.StartNS, 0)) }

// Failed tells whether an error was set.
func (r *Record) Failed() bool { return r.Flags&FlagFailed != 0 }

// Attr finds an attribute by its key.
func (r *Record) Attr(key string) (Value, bool) {
	for i := range r.Attributes {
		if r.Attributes[i].Key == key {
			return r.Attributes[i].Value, true
		}
	}
	return Value{}, false
}

func bytesAt(data unsafe.Pointer, size C.size_t) []byte {
	if size == 0 {
		return nil
	}
	return append([]byte(nil), unsafe.Slice((*byte)(data), int(size))...)
}

// texts gives out pieces of one allocation.
type texts struct{ room []byte }

func (t *texts) take(data unsafe.Pointer, size C.size_t) string {
	if size == 0 {
		return ""
	}
	at := len(t.room)
	t.room = append(t.room, unsafe.Slice((*byte)(data), int(size))...)
	return unsafe.String(&t.room[at], int(size))
}

func (t *texts) string(from *C.tr_string) string { return t.take(unsafe.Pointer(from.data), from.size) }

// sizeOf is how much room the texts of a record take.
func sizeOf(from *C.tr_record) int {
	size := from.name.size + from.group_id.size + from.project.size + from.foreign_id.size + from.model.size +
		from.score_name.size + from.error_type.size + from.error_message.size + textSize(&from.input) +
		textSize(&from.output) + attributesSize(from.attributes, from.attribute_count)
	for _, event := range slice(from.events, from.event_count) {
		size += event.name.size + attributesSize(event.attributes, event.attribute_count)
	}
	return int(size)
}

func attributesSize(from *C.tr_attribute, count C.size_t) (size C.size_t) {
	attributes := slice(from, count)
	for i := range attributes {
		size += attributes[i].key.size + textSize(&attributes[i].value)
	}
	return size
}

func textSize(from *C.tr_value) (size C.size_t) {
	switch from._type {
	case C.TR_TYPE_STR, C.TR_TYPE_BYTES, C.TR_TYPE_JSON:
		return from.size
	case C.TR_TYPE_STR_ARRAY:
		for _, each := range slice((*C.tr_string)(from.data), from.size) {
			size += each.size
		}
	}
	return size
}

func slice[T any](first *T, count C.size_t) []T { return unsafe.Slice(first, int(count)) }

func (r *Record) read(from *C.tr_record) {
	t := texts{make([]byte, 0, sizeOf(from))}
	r.Type, r.Flags, r.Kind = RecordType(from._type), RecordFlag(from.flags), Kind(from.kind)
	r.Sequence = uint64(from.sequence)
	r.TraceID = *(*TraceID)(unsafe.Pointer(&from.trace_id))
	r.SpanID = *(*SpanID)(unsafe.Pointer(&from.span_id))
	r.ParentID = *(*SpanID)(unsafe.Pointer(&from.parent_id))
	r.StartNS, r.EndNS = int64(from.start_ns), int64(from.end_ns)
	r.Name, r.Group = t.string(&from.name), t.string(&from.group_id)
	r.Project, r.ForeignID = t.string(&from.project), t.string(&from.foreign_id)
	r.Model, r.ScoreName = t.string(&from.model), t.string(&from.score_name)
	r.ErrorType, r.ErrorMessage = t.string(&from.error_type), t.string(&from.error_message)
	r.Input, r.Output = t.value(&from.input), t.value(&from.output)
	u := &from.usage
	r.Usage = Usage{int64(u.input), int64(u.output), int64(u.total), int64(u.cache_read), int64(u.cache_write),
		int64(u.reasoning)}
	r.Score, r.Step = float64(from.score), int64(from.step)
	r.RunStatus, r.ExitCode = RunStatus(from.run_status), int(from.exit_code)
	r.DroppedAttributes = int(from.dropped_attributes)
	r.Attributes = t.attributes(from.attributes, from.attribute_count)
	if from.event_count == 0 {
		return
	}
	r.Events = make([]Event, int(from.event_count))
	for i, event := range slice(from.events, from.event_count) {
		r.Events[i] = Event{t.string(&event.name), int64(event.time_ns),
			t.attributes(event.attributes, event.attribute_count)}
	}
}

func (t *texts) attributes(from *C.tr_attribute, count C.size_t) []Attr {
	if count == 0 {
		return nil
	}
	attributes := make([]Attr, int(count))
	native := slice(from, count)
	for i := range native {
		attributes[i] = Attr{t.string(&native[i].key), t.value(&native[i].value)}
	}
	return attributes
}

func (t *texts) value(from *C.tr_value) Value {
	value := Value{typ: ValueType(from._type), flags: uint32(from.flags)}
	switch value.typ {
	case TypeBool, TypeInt:
		value.bits = uint64(from.i64)
	case TypeFloat:
		value.bits = math.Float64bits(float64(from.f64))
	case TypeString, TypeBytes, TypeJSON:
		value.size = int(from.size)
		value.data = unsafe.Pointer(unsafe.StringData(t.take(from.data, from.size)))
	case TypeBools:
		list := make([]bool, int(from.size))
		for i, each := range slice((*C.uint8_t)(from.data), from.size) {
			list[i] = each != 0
		}
		setList(&value, list)
	case TypeInts:
		setList(&value, append([]int64(nil), slice((*int64)(from.data), from.size)...))
	case TypeFloats:
		setList(&value, append([]float64(nil), slice((*float64)(from.data), from.size)...))
	case TypeStrings:
		list := make([]string, int(from.size))
		native := slice((*C.tr_string)(from.data), from.size)
		for i := range native {
			list[i] = t.string(&native[i])
		}
		setList(&value, list)
	}
	return value
}

func setList[T any](value *Value, list []T) {
	value.data, value.size = unsafe.Pointer(unsafe.SliceData(list)), len(list)
}
