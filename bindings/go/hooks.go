package trunkline

// What the library calls: hooks of processors in Go, and messages. Nothing that a hook does leaves it but a result.

// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"runtime/cgo"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"
)

func registrationOf(handle C.uintptr_t) *registration {
	return cgo.Handle(handle).Value().(*registration)
}

// guarded calls a hook and makes a result code of what becomes of it.
func (r *registration) guarded(hook string, call func() error) (result C.int) {
	defer func() {
		if panicked := recover(); panicked != nil {
			result = C.TR_EINTERNAL
			r.say(hook, slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
		}
	}()
	err := call()
	if err == nil {
		return C.TR_OK
	}
	if errors.Is(err, ErrAgain) {
		return C.TR_EAGAIN
	}
	r.say(hook, slog.Any("error", err))
	return codeOf(err)
}

// codeOf is the code of the library in an error, else a general one.
func codeOf(err error) C.int {
	var code Code
	if errors.As(err, &code) && code < 0 {
		return C.int(code)
	}
	return C.TR_EINTERNAL
}

// say tells what a processor did wrong. Handlers of the log are the program's own code.
func (r *registration) say(hook string, what ...slog.Attr) {
	defer func() { _ = recover() }()
	logger := hostLogger.Load()
	if logger == nil {
		logger = slog.Default()
	}
	attrs := append([]slog.Attr{slog.String("processor", r.name), slog.String("hook", hook)}, what...)
	logger.LogAttrs(context.Background(), slog.LevelError, "trunkline: a processor failed", attrs...)
}

//export trunklineGoBatch
func trunklineGoBatch(handle C.uintptr_t, batch *C.tr_batch) C.int {
	r := registrationOf(handle)
	var given *Batch
	result := r.guarded("OnBatch", func() error {
		given = newBatch(batch)
		defer given.leave()
		return r.processor.(Processor).OnBatch(given)
	})
	if result != C.TR_OK && given != nil && given.retained != nil {
		_ = given.retained.ack(result) // for the library asks only the owner
	}
	return result
}

//export trunklineGoRecord
func trunklineGoRecord(handle C.uintptr_t, record *C.tr_record) C.int {
	r := registrationOf(handle)
	return r.guarded("OnRecord", func() error {
		given := new(Record)
		given.read(record)
		return r.processor.(RecordProcessor).OnRecord(given)
	})
}

//export trunklineGoTick
func trunklineGoTick(handle C.uintptr_t, now C.int64_t) C.int {
	r := registrationOf(handle)
	return r.guarded("OnTick", func() error { return r.processor.(Ticker).OnTick(time.Unix(0, int64(now))) })
}

//export trunklineGoRestore
func trunklineGoRestore(handle C.uintptr_t, run *C.char, state unsafe.Pointer, size C.size_t) C.int {
	r := registrationOf(handle)
	return r.guarded("Restore", func() error {
		return r.processor.(Restorer).Restore(C.GoString(run), bytesAt(state, size))
	})
}

//export trunklineGoFlush
func trunklineGoFlush(handle C.uintptr_t, timeout C.uint32_t) C.int {
	r := registrationOf(handle)
	return r.guarded("ForceFlush", func() error {
		return r.processor.(Flusher).ForceFlush(time.Duration(timeout) * time.Millisecond)
	})
}

//export trunklineGoShutdown
func trunklineGoShutdown(handle C.uintptr_t, timeout C.uint32_t) C.int {
	r := registrationOf(handle)
	return r.guarded("Shutdown", func() error {
		return r.processor.(Closer).Shutdown(time.Duration(timeout) * time.Millisecond)
	})
}

//export trunklineGoRelease
func trunklineGoRelease(handle C.uintptr_t) {
	r := registrationOf(handle)
	cgo.Handle(handle).Delete()
	r.release()
}

func (r *registration) release() {
	if releaser, ok := r.processor.(Releaser); ok {
		r.guarded("Release", func() error {
			releaser.Release()
			return nil
		})
	}
}

var levels = map[C.tr_level]slog.Level{C.TR_LEVEL_ERROR: slog.LevelError, C.TR_LEVEL_WARN: slog.LevelWarn,
	C.TR_LEVEL_INFO: slog.LevelInfo, C.TR_LEVEL_DEBUG: slog.LevelDebug}

//export trunklineGoLog
func trunklineGoLog(handle C.uintptr_t, level C.tr_level, message *C.char, size C.size_t) {
	defer func() { _ = recover() }()
	logger := cgo.Handle(handle).Value().(*atomic.Pointer[slog.Logger]).Load()
	if logger != nil {
		logger.Log(context.Background(), levels[level], "trunkline: "+string(bytesAt(unsafe.Pointer(message), size)))
	}
}

// SaveState keeps up to 64 KiB with the position of the processor whose hook calls it, once the records of this delivery
// are acknowledged; the last call wins. A processor with [Restorer] gets it back after a crash.
func SaveState(state []byte) error {
	return errorOf(C.trgo_save((*C.char)(unsafe.Pointer(unsafe.SliceData(state))), C.size_t(len(state))))
}

// A Batch is what OnBatch is given. Its records are copies and may be kept.
type Batch struct {
	RunID   string // of the run of the library that the records come from
	Adopted bool   // that run died
	Records []Record

	native   *C.tr_batch // while OnBatch has not returned
	retained *Retained
}

func newBatch(native *C.tr_batch) *Batch {
	batch := &Batch{RunID: C.GoString(native.run_id), Adopted: native.flags&C.TR_BATCH_ADOPTED != 0,
		Records: make([]Record, int(native.count)), native: native}
	for i, record := range unsafe.Slice(native.records, int(native.count)) {
		batch.Records[i].read(record)
		batch.Records[i].RunID = batch.RunID
	}
	return batch
}

func (b *Batch) leave() { b.native = nil }

// Retain keeps the batch unacknowledged beyond OnBatch, until somebody calls Ack on what it returns, from any goroutine
// and in any order with others. It works in the goroutine of OnBatch. An OnBatch that fails after that acknowledges the
// batch with its error, as if it had not been retained, unless somebody was faster.
func (b *Batch) Retain() (*Retained, error) {
	if b.native == nil {
		return nil, ErrState
	}
	kept := C.tr_batch_retain(b.native)
	if kept == nil {
		return nil, ErrState
	}
	b.retained = &Retained{native: unsafe.Pointer(kept)}
	return b.retained, nil
}

// A Retained is a batch that is not acknowledged yet.
type Retained struct{ native unsafe.Pointer }

// Ack acknowledges the batch. Nil: it was taken; ErrAgain: it is to be offered again; another error drops it.
func (r *Retained) Ack(result error) error {
	if result == nil {
		return r.ack(C.TR_OK)
	}
	return r.ack(codeOf(result))
}

func (r *Retained) ack(result C.int) error {
	native := atomic.SwapPointer(&r.native, nil)
	if native == nil {
		return ErrState
	}
	return errorOf(C.tr_batch_ack((*C.tr_batch)(native), result))
}
