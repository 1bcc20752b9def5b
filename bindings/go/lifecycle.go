package trunkline

// Start and end of the library.

// #include <stdlib.h>
// #include "glue.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// defaultTimeout is for contexts without a deadline: a server that is down must not hold up the end of a program.
const defaultTimeout = 5 * time.Second

// cTexts are texts that the library borrows while it starts.
type cTexts []unsafe.Pointer

func (t *cTexts) add(value string) *C.char {
	text := C.CString(value)
	*t = append(*t, unsafe.Pointer(text))
	return text
}

func (t *cTexts) free() {
	for _, each := range *t {
		C.free(each)
	}
}

// hostLogger is that of WithLogger, or nil.
var hostLogger atomic.Pointer[slog.Logger]

// logHandle names the logger for the library. It is never freed, for the library may say something at any time.
var logHandle = sync.OnceValue(func() C.uintptr_t { return C.uintptr_t(cgo.NewHandle(&hostLogger)) })

// Init starts the library. Its error says what is wrong with the configuration, or that the library that was found at
// run time is not one for this package. A directory that cannot be used is a warning, not an error.
//
// It waits for calls of Shutdown that are still under way.
func Init(options ...Option) error {
	awaitShutdowns()
	chosen := settings{buffer: defaultBuffer}
	for _, option := range options {
		if option != nil {
			option(&chosen)
		}
	}
	if err := checkABI(uint32(C.tr_abi_version()), C.GoString(C.tr_version())); err != nil {
		abandon(chosen.attachments)
		return err
	}
	if err := start(&chosen); err != nil {
		abandon(chosen.attachments)
		return err
	}
	bufferLimit.Store(int64(chosen.buffer))
	for i := range chosen.attachments {
		_, err := AddProcessor(chosen.attachments[i])
		if err != nil && !errors.Is(err, ErrState) { // which it is when tracing is switched off
			abandon(chosen.attachments[i+1:])
			C.tr_shutdown(0)
			return err
		}
	}
	return nil
}

// checkABI refuses a library that is not one for this package.
func checkABI(found uint32, version string) error {
	const built = C.TR_ABI_VERSION
	if abiFits(found, built) {
		return nil
	}
	return &Error{ErrUnsupported, fmt.Sprintf("this package was built for ABI %d.%d of libtrunkline, but the library that "+
		"was loaded is version %q with ABI %d.%d: install a fitting one, or build again with its header", built>>16,
		built&0xffff, version, found>>16, found&0xffff)}
}

// abiFits: the majors are equal, and the minor is not smaller than the one that was built with.
func abiFits(found, built uint32) bool { return found>>16 == built>>16 && found&0xffff >= built&0xffff }

func start(chosen *settings) error {
	var config C.tr_config
	var texts cTexts
	defer texts.free()
	C.tr_config_init(&config, C.sizeof_tr_config)
	config.flags |= C.TR_CONFIG_NO_EXIT_HOOK // which a program in Go does not run
	for _, change := range chosen.changes {
		change(&config, &texts)
	}
	before := hostLogger.Load()
	if chosen.logger != nil {
		before = hostLogger.Swap(chosen.logger)
		C.trgo_set_log(&config, logHandle())
	}
	words := C.tr_error{struct_size: C.sizeof_tr_error}
	err := detailed(C.tr_init(&config, &words), &words)
	if err != nil && chosen.logger != nil { // the library may run already, with its own
		hostLogger.CompareAndSwap(chosen.logger, before)
	} else if err == nil && chosen.logger == nil {
		hostLogger.Store(nil)
	}
	return err
}

// flushes are the calls of Flush that wait in the library, each with a thread. More wait in Go, which ends a program that
// has ten thousand.
var flushes = make(chan struct{}, 32)

// Flush waits until all that was recorded before the call is with every processor, and asks each to pass it on. What waits
// in Go for open spans is handed over, and is safe from a crash then. The time is that of ctx; without a deadline 5 s.
func Flush(ctx context.Context) error {
	if C.trgo_inside_hook() == 0 {
		flushOpenSpans()
	}
	return waitFor(ctx, func(timeout time.Duration) error {
		over := time.Now().Add(timeout)
		select {
		case flushes <- struct{}{}:
		case <-time.After(timeout):
			return ErrTimedOut
		}
		defer func() { <-flushes }()
		return errorOf(C.tr_flush(milliseconds(time.Until(over))))
	})
}

// Shutdown ends open spans as incomplete, with all that was set on them, delivers what is left and ends all processors.
// The time is that of ctx; without a deadline 5 s. What is left is kept for the next start, and ErrTimedOut tells. A program
// that ends without it loses nothing that was recorded, either: the next one that uses the directory delivers it.
// Idempotent; Init may follow.
func Shutdown(ctx context.Context) error {
	if C.trgo_inside_hook() != 0 {
		return ErrReentrant
	}
	ending.RLock()
	flushOpenSpans()
	return waitFor(ctx, func(timeout time.Duration) error {
		defer ending.RUnlock()
		return errorOf(C.tr_shutdown(milliseconds(timeout)))
	})
}

// ending is held by each call of Shutdown until the library is through with it, also when nobody waits for that.
var ending sync.RWMutex

// awaitShutdowns: one that comes after the next start would end that.
func awaitShutdowns() {
	if C.trgo_inside_hook() == 0 {
		ending.Lock()
		defer ending.Unlock()
	}
}

// waitFor makes a call that takes its time from the context.
func waitFor(ctx context.Context, call func(timeout time.Duration) error) error {
	ctx = orBackground(ctx)
	timeout := defaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	return beside(ctx, func() error { return call(timeout) })
}

// beside makes a call that waits, for as long as the context allows.
func beside(ctx context.Context, call func() error) error {
	if C.trgo_inside_hook() != 0 { // on this very thread, which is the goroutine's until the hook returns
		return ErrReentrant
	}
	if ctx.Done() == nil {
		return call()
	}
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrTimedOut, ctx.Err())
	}
}

// Version is the version of the library that was loaded.
func Version() string { return C.GoString(C.tr_version()) }
