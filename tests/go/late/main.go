// A program that records after so many libraries were loaded that no static thread-local storage is left.
// usage: late A_LIBRARY_THAT_ASKS_FOR_SOME FOLDER_FOR_ITS_COPIES
package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

static const char *load(const char *path) {
  return dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL ? dlerror() : NULL;
}
*/
import "C"

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	trunkline "trunkline.dev/go"
)

const most = 400

// fill loads copies until one is refused, and tells the reason of the loader.
func fill(library, folder string) (refusal string, err error) {
	code, err := os.ReadFile(library)
	if err != nil {
		return "", err
	}
	for i := range most {
		copied := filepath.Join(folder, fmt.Sprintf("module-%d.so", i))
		if err := os.WriteFile(copied, code, 0o700); err != nil {
			return "", err
		}
		if refused := C.load(C.CString(copied)); refused != nil {
			return C.GoString(refused), nil
		}
	}
	return "", fmt.Errorf("there was room for %d", most)
}

func main() {
	refusal, err := fill(os.Args[1], os.Args[2])
	if err == nil && !strings.Contains(refusal, "static TLS") {
		err = fmt.Errorf("refused for another reason: %s", refusal)
	}
	if err == nil {
		err = trunkline.Init()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, trace := trunkline.StartTrace(context.Background(), "from outside")
	_, span := trunkline.Start(ctx, "late")
	span.End()
	trace.End()
	if err := trunkline.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
