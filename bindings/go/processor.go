package trunkline

// Processors: what is attached to the library, built in or written in Go.

// #include <stdlib.h>
// #include "glue.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"runtime/cgo"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Processor receives records. All its hooks run one at a time, on a thread of its own, never on one that records. A
// hook that returns nil has taken what it was given; ErrAgain offers it again later, with backoff; any other error, and a
// panic, is logged and counted, and drops it. Sixteen failures in a row end the delivery to this processor alone.
//
// What a hook starts is not recorded, and a hook may not call Flush or Shutdown; that holds for the goroutine it runs in,
// which must not be left with runtime.Goexit.
//
// Beside this a processor may be a [Flusher], [Ticker], [Restorer], [Closer] or [Releaser].
type Processor interface {
	// OnBatch is given records in the order of the log. They may be kept.
	OnBatch(batch *Batch) error
}

// A RecordProcessor receives records one by one; otherwise as a [Processor].
type RecordProcessor interface {
	OnRecord(record *Record) error
}

// A Flusher passes on what it holds back, when Flush asks for it.
type Flusher interface {
	ForceFlush(timeout time.Duration) error
}

// A Ticker is called now and then, also without records: see TickEvery.
type Ticker interface{ OnTick(now time.Time) error }

// A Restorer is given the state that was saved for a run of the library by a process that died, before the first delivery
// from there. An error other than ErrAgain refuses it.
type Restorer interface {
	Restore(runID string, state []byte) error
}

// A Closer is told that the library ends, and how long it may take to let go.
type Closer interface {
	Shutdown(timeout time.Duration) error
}

// A Releaser is told once, after its last hook has returned, and also when it was not attached at all.
type Releaser interface{ Release() }

// A ProcessorOption is a choice for [Custom] and [Each].
type ProcessorOption func(*registration)

// Named names the processor: 1 to 64 characters. The default is the name of its type.
func Named(name string) ProcessorOption { return func(r *registration) { r.name = name } }

// Destination tells where the processor sends to, without secrets; it is part of its identity.
func Destination(destination string) ProcessorOption {
	return func(r *registration) { r.destination = destination }
}

// Durable makes what a dead process had not delivered go to the processor of the same name and destination of the next.
func Durable() ProcessorOption {
	return func(r *registration) { r.flags |= C.TR_PROCESSOR_DURABLE }
}

// SpanStarts asks for records of starts of spans, too.
func SpanStarts() ProcessorOption {
	return func(r *registration) { r.flags |= C.TR_PROCESSOR_SPAN_STARTS }
}

// BatchSize limits the records of a batch; 512.
func BatchSize(most int) ProcessorOption {
	return func(r *registration) { r.batchSize = C.uint32_t(max(most, 0)) }
}

// TickEvery sets how often a [Ticker] is called.
func TickEvery(interval time.Duration) ProcessorOption {
	return func(r *registration) { r.tick = milliseconds(interval) }
}

// A registration is a processor in Go, for as long as the library has it.
type registration struct {
	processor   any
	each        bool // it is a RecordProcessor, else a Processor
	name        string
	destination string
	flags       C.uint32_t
	batchSize   C.uint32_t
	tick        C.uint32_t
	used        atomic.Bool // attached, or released without it
}

// An Attachment is a processor with its options, to be attached once.
type Attachment struct {
	host    *registration
	kind    string // of a built-in
	options string // in JSON; may hold a credential
	err     error
}

// String tells what it is, without the options.
func (a Attachment) String() string {
	if a.host != nil {
		return a.host.name
	}
	return a.kind
}

// Format keeps the options out of what is printed, however it is printed.
func (a Attachment) Format(state fmt.State, _ rune) { fmt.Fprint(state, a.String()) }

// Custom attaches a processor written in Go.
func Custom(processor Processor, options ...ProcessorOption) Attachment {
	return attachment(processor, false, options)
}

// Each attaches a processor written in Go that takes its records one by one.
func Each(processor RecordProcessor, options ...ProcessorOption) Attachment {
	return attachment(processor, true, options)
}

func attachment(processor any, each bool, options []ProcessorOption) Attachment {
	if processor == nil {
		return Attachment{err: &Error{ErrInvalid, "there is no processor"}}
	}
	host := &registration{processor: processor, each: each, name: typeName(processor)}
	for _, option := range options {
		if option != nil {
			option(host)
		}
	}
	return Attachment{host: host}
}

func typeName(processor any) string {
	name := fmt.Sprintf("%T", processor)
	return name[strings.LastIndexAny(name, ".*")+1:]
}

// BuiltIn attaches a processor of the library by its name, with options as a map, a struct or json.RawMessage. Options
// that are not known are errors.
func BuiltIn(kind string, options any) Attachment {
	if options == nil {
		return Attachment{kind: kind}
	}
	encoded, err := json.Marshal(options)
	if err != nil {
		err = &Error{ErrInvalid, fmt.Sprintf("the options of %s: %v", kind, err)}
	}
	return Attachment{kind: kind, options: string(encoded), err: err}
}

// A ProcessorID names an attached processor.
type ProcessorID uint64

// AddProcessor adds a processor. It sees the traces that are started from now on.
func AddProcessor(processor Attachment) (ProcessorID, error) {
	tables, err := tablesOf([]Attachment{processor})
	if err != nil {
		return 0, err
	}
	defer tables.free()
	var id C.tr_processor_id
	code := C.tr_add_processor(tables.at(0), &id)
	return ProcessorID(id), errorOf(code)
}

// SetProcessors replaces all processors, the default local store included, and tells their ids in order. On an error the
// old ones stay.
func SetProcessors(processors ...Attachment) ([]ProcessorID, error) {
	tables, err := tablesOf(processors)
	if err != nil {
		return nil, err
	}
	defer tables.free()
	found := make([]C.tr_processor_id, len(processors)+1) // one more, so that there is a first
	if code := C.tr_replace_processors(tables.first, C.size_t(len(processors)), &found[0]); code != 0 {
		return nil, errorOf(code)
	}
	ids := make([]ProcessorID, len(processors))
	for i := range ids {
		ids[i] = ProcessorID(found[i])
	}
	return ids, nil
}

// FindProcessor finds a processor by its name, the built-in ones included.
func FindProcessor(name string) (ProcessorID, error) {
	var id C.tr_processor_id
	data, size := text(name)
	code := C.tr_find_processor(data, size, &id)
	return ProcessorID(id), errorOf(code)
}

// RemoveProcessor removes a processor. It returns at once; Release tells when the last hook has returned.
func RemoveProcessor(id ProcessorID) error {
	return errorOf(C.tr_remove_processor(C.tr_processor_id(id)))
}

// A tableList is an array of tables in C, with the texts they borrow.
type tableList struct {
	first *C.tr_processor
	count int
	texts cTexts
}

func (t *tableList) at(i int) *C.tr_processor {
	return (*C.tr_processor)(unsafe.Add(unsafe.Pointer(t.first), i*C.sizeof_tr_processor))
}

func (t *tableList) free() {
	t.texts.free()
	C.free(unsafe.Pointer(t.first))
}

// tablesOf makes the tables, all or none.
func tablesOf(attachments []Attachment) (*tableList, error) {
	list := &tableList{first: (*C.tr_processor)(C.calloc(C.size_t(len(attachments)+1), C.sizeof_tr_processor))}
	for i := range attachments {
		err := list.fill(&attachments[i], list.at(i))
		if err == nil {
			list.count++
			continue
		}
		for made := range list.count {
			C.trgo_release(list.at(made))
		}
		abandon(attachments[i:])
		list.free()
		return nil, err
	}
	return list, nil
}

func (t *tableList) fill(a *Attachment, out *C.tr_processor) error {
	if a.err != nil {
		return a.err
	}
	if a.host != nil {
		return t.fillHost(a.host, out)
	}
	kind := t.texts.add(a.kind)
	options, size := text(a.options)
	var words C.tr_error
	code := C.trgo_built_in(kind, options, size, out, &words)
	if code == C.TR_ENOENT {
		return &Error{ErrNotFound, fmt.Sprintf("there is no built-in processor %q", a.kind)}
	}
	return detailed(code, &words)
}

func (t *tableList) fillHost(host *registration, out *C.tr_processor) error {
	if strings.ContainsRune(host.name+host.destination, 0) {
		return &Error{ErrInvalid, "a name or destination with a NUL in it"}
	}
	if !host.used.CompareAndSwap(false, true) {
		return &Error{ErrInvalid, "an attachment is attached once"}
	}
	var destination *C.char
	if host.destination != "" {
		destination = t.texts.add(host.destination)
	}
	C.trgo_host_processor(out, C.uintptr_t(cgo.NewHandle(host)), host.flags, t.texts.add(host.name), destination,
		host.hooks(), host.tick, host.batchSize)
	return nil
}

// abandon releases what was never attached.
func abandon(attachments []Attachment) {
	for _, each := range attachments {
		if each.host != nil && each.host.used.CompareAndSwap(false, true) {
			each.host.release()
		}
	}
}

func (r *registration) hooks() (hooks C.uint) {
	if r.each {
		hooks |= C.TRGO_RECORDS
	}
	if _, ok := r.processor.(Ticker); ok && r.tick != 0 {
		hooks |= C.TRGO_TICK
	}
	if _, ok := r.processor.(Restorer); ok {
		hooks |= C.TRGO_RESTORE
	}
	if _, ok := r.processor.(Flusher); ok {
		hooks |= C.TRGO_FLUSH
	}
	if _, ok := r.processor.(Closer); ok {
		hooks |= C.TRGO_SHUTDOWN
	}
	return hooks
}
