package trunkline

// What an error or a panic is called in a trace.

import (
	"errors"
	"fmt"
	"strings"
)

const maxChain = 100 // of errors in errors; one may contain itself

// errorType is the name of the type of the innermost error, of several joined ones the first's. An error that cannot be
// asked for the one inside, such as a nil pointer of its type, is the innermost.
func errorType(err error) (name string) {
	defer func() {
		if recover() != nil {
			name = typeOf(err)
		}
	}()
	for range maxChain {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
			continue
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			break
		}
		all := joined.Unwrap()
		if len(all) == 0 || all[0] == nil {
			break
		}
		err = all[0]
	}
	return typeOf(err)
}

func typeOf(err error) string { return strings.TrimPrefix(fmt.Sprintf("%T", err), "*") }

// errorMessage is what the error says, if it can: its code is not ours.
func errorMessage(err error) (message string) {
	defer func() {
		if recover() != nil {
			message = ""
		}
	}()
	return err.Error()
}

func panicType(panicked any) string {
	if err, ok := panicked.(error); ok {
		return errorType(err)
	}
	return "panic"
}

func panicMessage(panicked any) string {
	if err, ok := panicked.(error); ok {
		return errorMessage(err)
	}
	return fmt.Sprint(panicked)
}
