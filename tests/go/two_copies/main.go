// A program with the static archive in it, which loads the shared library as well: two copies, which do not see each other.
// usage: two_copies PATH_OF_THE_SHARED_LIBRARY
package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// The counts of the first version of the library.
typedef struct { uint32_t struct_size, mode; uint64_t traces_started, rest[23]; } head;

static int (*init)(const void *, void *);
static int (*end)(uint32_t);
static uint64_t (*start)(const char *, size_t, const void *);
static int (*stats)(void *);

static const char *load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return dlerror();
  *(void **)&init = dlsym(library, "tr_init");
  *(void **)&end = dlsym(library, "tr_shutdown");
  *(void **)&start = dlsym(library, "tr_trace_start");
  *(void **)&stats = dlsym(library, "tr_stats_get");
  return init && end && start && stats ? NULL : "a function is missing";
}
static int other_init(void) { return init(NULL, NULL); }
static int other_end(void) { return end(60000); }
static uint64_t other_start(void) { return start("other", 5, NULL); }
static uint64_t other_started(void) {
  head counts = {0};
  counts.struct_size = sizeof counts;
  return stats(&counts) == 0 ? counts.traces_started : 1000;
}
*/
import "C"

import (
	"context"
	"fmt"
	"os"

	trunkline "trunkline.dev/go"
)

func check(what string, found, wanted uint64) {
	if found != wanted {
		fmt.Fprintf(os.Stderr, "%s: %d and not %d\n", what, found, wanted)
		os.Exit(1)
	}
}

func main() {
	if problem := C.load(C.CString(os.Args[1])); problem != nil {
		fmt.Fprintln(os.Stderr, C.GoString(problem))
		os.Exit(1)
	}
	if err := trunkline.Init(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, trace := trunkline.StartTrace(context.Background(), "ours")
	check("traces of the other copy before its start", uint64(C.other_started()), 0)
	check("the start of the other copy", uint64(-C.other_init()), 0)
	for range 3 {
		if C.other_start() == 0 {
			check("recording in the other copy", 0, 1)
		}
	}
	check("traces of the other copy", uint64(C.other_started()), 3)
	check("our traces", trunkline.GetStats().TracesStarted, 1)
	check("the end of the other copy", uint64(-C.other_end()), 0)
	trace.Set(trunkline.String("still", "recording"))
	check("our stale handles", trunkline.GetStats().StaleHandles, 0)
	trace.End()
	if err := trunkline.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
