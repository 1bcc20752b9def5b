package trunkline

// What the tests share: a session of the library, a processor that keeps everything, and programs of their own, which are
// this test program started again.

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// limit is how long anything may take on a busy machine.
const limit = 60 * time.Second

// programs are started by their names in the environment instead of the tests.
var programs = map[string]func(){}

const programVariable = "TRUNKLINE_GO_PROGRAM"

func TestMain(m *testing.M) {
	if program, ok := programs[os.Getenv(programVariable)]; ok {
		program()
		return
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

// command starts this program again as another one, in a directory of traces.
func command(ctx context.Context, name, directory string, variables ...string) *exec.Cmd {
	made := exec.CommandContext(ctx, os.Args[0])
	made.Env = append(os.Environ(), programVariable+"="+name, "TRUNKLINE_DIR="+directory)
	made.Env = append(made.Env, variables...)
	return made
}

// runProgram gives the exit code and what was printed.
func runProgram(t *testing.T, name, directory string, variables ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*limit)
	defer cancel()
	made := command(ctx, name, directory, variables...)
	output, err := made.CombinedOutput()
	if ctx.Err() != nil {
		t.Fatalf("%s does not end: %s", name, output)
	}
	if err != nil && made.ProcessState == nil {
		t.Fatal(err)
	}
	return made.ProcessState.ExitCode(), string(output)
}

type keeper struct {
	lock     sync.Mutex
	records  []Record
	released int
}

func (k *keeper) OnBatch(batch *Batch) error {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.records = append(k.records, batch.Records...)
	return nil
}

func (k *keeper) Release() {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.released++
}

func (k *keeper) releases() int {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.released
}

// all waits for everything that was recorded.
func (k *keeper) all(t *testing.T) []Record {
	t.Helper()
	flush(t)
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.records
}

func (k *keeper) only(t *testing.T, kind RecordType, name string) *Record {
	t.Helper()
	k.all(t)
	return k.delivered(t, kind, name)
}

// delivered is the only one of its name that has come so far.
func (k *keeper) delivered(t *testing.T, kind RecordType, name string) *Record {
	t.Helper()
	var found *Record
	k.lock.Lock()
	records := k.records
	k.lock.Unlock()
	for i := range records {
		if records[i].Type != kind || records[i].Name != name {
			continue
		}
		if found != nil {
			t.Fatalf("%s was delivered twice", name)
		}
		found = &records[i]
	}
	if found == nil {
		t.Fatalf("%s was not delivered", name)
	}
	return found
}

func (k *keeper) span(t *testing.T, name string) *Record { return k.only(t, RecordSpanEnd, name) }

func flush(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// session starts the library with a keeper, until the end of the test.
func session(t *testing.T, options ...Option) *keeper {
	t.Helper()
	kept := &keeper{}
	begin(t, append(options, WithProcessor(Custom(kept)))...)
	return kept
}

func begin(t *testing.T, options ...Option) {
	t.Helper()
	if err := Init(append([]Option{WithDirectory(t.TempDir()), WithProcessors()}, options...)...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		_ = Shutdown(ctx)
	})
}

// eventually waits until something is true.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
	}
}

func recordTrace(name string, spans int) {
	ctx, trace := StartTrace(context.Background(), name)
	defer trace.End()
	for range spans {
		_, span := Start(ctx, name)
		span.End()
	}
}

// words is a log that is read.
type words struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (w *words) Write(data []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.Write(data)
}

func (w *words) contain(what string) bool {
	w.lock.Lock()
	defer w.lock.Unlock()
	return strings.Contains(w.text.String(), what)
}

func expect[T comparable](t *testing.T, what string, found, wanted T) {
	t.Helper()
	if found != wanted {
		t.Errorf("%s is %v and not %v", what, found, wanted)
	}
}
