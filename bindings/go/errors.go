package trunkline

// Errors: the result codes of the library as values that errors.Is knows.

// #include "glue.h"
import "C"

// A Code is a result code of the library, which is an error of its own: errors.Is(err, trunkline.ErrTimedOut).
type Code int

const (
	ErrInvalid     Code = C.TR_EINVAL       // an argument is wrong
	ErrStale       Code = C.TR_ESTALE       // the handle is not, or no longer, what it is used as
	ErrState       Code = C.TR_ESTATE       // not started, started already, or shut down
	ErrNoMemory    Code = C.TR_ENOMEM       // no memory left
	ErrTimedOut    Code = C.TR_ETIMEDOUT    // the time was over; the work goes on where that is possible
	ErrAgain       Code = C.TR_EAGAIN       // returned by a hook: offer this again later, with backoff
	ErrReentrant   Code = C.TR_EREENTRANT   // a hook may not call this
	ErrUnsupported Code = C.TR_EUNSUPPORTED // something this library does not know
	ErrIO          Code = C.TR_EIO          // a file could not be made, read or written
	ErrLimit       Code = C.TR_ELIMIT       // a limit cut or refused the data
	ErrClosed      Code = C.TR_ECLOSED      // the processor is removed or shut down
	ErrNotFound    Code = C.TR_ENOENT       // no such processor
	ErrInternal    Code = C.TR_EINTERNAL    // a defect of the library, contained
)

func (c Code) Error() string { return "trunkline: " + C.GoString(C.tr_strerror(C.int(c))) }

// An Error is a Code with what went wrong in words.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return "trunkline: " + e.Message }

// Unwrap gives the Code.
func (e *Error) Unwrap() error { return e.Code }

// errorOf is nil for success.
func errorOf(code C.int) error {
	if code >= 0 {
		return nil
	}
	return Code(code)
}

// detailed adds the words of the library, if it said some.
func detailed(code C.int, words *C.tr_error) error {
	if code >= 0 {
		return nil
	}
	if words.message[0] == 0 {
		return Code(code)
	}
	return &Error{Code(code), C.GoString(&words.message[0])}
}
