package trunkline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func init() {
	programs["version"] = func() { fmt.Println("version", Version()) }
	programs["start"] = func() { fmt.Println("said:", Init()) }
	programs["exit"] = exitProgram
	programs["kill"] = killProgram
	programs["recover"] = recoverProgram
}

func TestInitSaysWhatIsWrong(t *testing.T) {
	for what, each := range map[string]struct {
		option Option
		code   Code
	}{
		"sample ratio": {WithSampleRatio(2), ErrInvalid},
		"memory":       {WithMaxMemory(1), ErrInvalid},
		"processor":    {WithProcessor(BuiltIn("jsonl", map[string]int{"colour": 1})), ErrInvalid},
	} {
		kept := &keeper{}
		err := Init(WithDirectory(t.TempDir()), each.option, WithProcessor(Custom(kept)))
		var detail *Error
		if !errors.Is(err, each.code) || !errors.As(err, &detail) || detail.Message == "" {
			t.Error(what, err)
		}
		expect(t, "the mode after a bad "+what, GetStats().Mode, ModeOff)
		expect(t, "releases after a bad "+what, kept.releases(), 1)
	}
	begin(t)
	if err := Init(); !errors.Is(err, ErrState) {
		t.Error("started twice:", err)
	}
}

func TestAnOptionThatIsNilIsNone(t *testing.T) {
	session(t, nil)
	add(t, Each(recordFunc(func(*Record) error { return nil }), nil))
	_, trace := StartTrace(context.Background(), "trace", nil)
	_, span := trace.Start(context.Background(), "span", nil)
	span.End()
	trace.End()
}

func TestAShutdownThatIsNotWaitedForEndsNoLaterStart(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // where a new goroutine runs when this one lets it
	over, cancel := context.WithCancel(context.Background())
	cancel()
	directory := t.TempDir()
	for range 50 {
		expect(t, "a start", Init(WithDirectory(directory), WithProcessors()), nil)
		_ = Shutdown(over)
		expect(t, "the next start", Init(WithDirectory(directory), WithProcessors()), nil)
		runtime.Gosched()
		_, trace := StartTrace(context.Background(), "trace")
		if !trace.Recording() {
			t.Fatal("it was ended")
		}
		trace.End()
		expect(t, "the end", within(Shutdown), nil)
	}
}

func TestManyThatFlushAreFewThreads(t *testing.T) {
	session(t)
	release := make(chan struct{})
	var entered atomic.Bool
	add(t, Custom(batchFunc(func(*Batch) error { entered.Store(true); <-release; return nil })))
	recordTrace("trace", 1)
	eventually(t, "the hook is entered", entered.Load)
	const callers = 500
	ended := make(chan error, callers)
	for range callers {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			ended <- Flush(ctx)
		}()
	}
	eventually(t, "some wait", func() bool { return len(flushes) == cap(flushes) })
	time.Sleep(100 * time.Millisecond) // for those that should not
	if threads, _ := os.ReadDir("/proc/self/task"); len(threads) > callers/2 {
		t.Error(len(threads), "threads")
	}
	close(release)
	for range callers {
		expect(t, "a flush", <-ended, nil)
	}
}

func TestWithoutCgoTheCompilerSaysWhatIsMissing(t *testing.T) {
	build := exec.Command("go", "build", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	output, err := build.CombinedOutput()
	lines := strings.SplitN(string(output), "\n", 3)
	if err == nil || len(lines) < 2 || !strings.Contains(lines[1], "needs_Linux_and_cgo") {
		t.Errorf("%v: %s", err, output)
	}
}

func TestDisabled(t *testing.T) {
	kept := session(t, WithDisabled())
	recordTrace("trace", 1)
	expect(t, "the mode", GetStats().Mode, ModeOff)
	expect(t, "releases", kept.releases(), 1)
	expect(t, "records", len(kept.records), 0)
}

func TestMessagesGoToTheLogger(t *testing.T) {
	log := &words{}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begin(t, WithDirectory(filepath.Join(file, "folder")), WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	eventually(t, "a directory that cannot be is said", func() bool { return log.contain("level=WARN") })
	expect(t, "the mode", GetStats().Mode, ModeMemory)

	other := &words{}
	if err := Init(WithLogger(slog.New(slog.NewTextHandler(other, nil)))); !errors.Is(err, ErrState) {
		t.Error("started twice:", err)
	}
	add(t, Custom(batchFunc(func(*Batch) error { return errors.New("refused") })))
	recordTrace("trace", 1)
	eventually(t, "the first logger is told of a failure", func() bool { return log.contain("refused") })
	expect(t, "the logger of a start that failed is told", other.contain("refused"), false)
}

func TestABIOfTheLibrary(t *testing.T) {
	const built = 0x00030004
	for found, fits := range map[uint32]bool{built: true, built + 1: true, built - 1: false, built + 0x10000: false,
		built - 0x10000: false, 0: false} {
		if (abiFits(found, built)) != fits {
			t.Errorf("%#x for %#x", found, built)
		}
	}
}

// build makes a shared library that calls itself libtrunkline.so.0.
func fakeLibrary(t *testing.T, source string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	file := filepath.Join(folder, "fake.c")
	symbols := filepath.Join(folder, "fake.map")
	for name, text := range map[string]string{file: source, symbols: "TRUNKLINE_0 { global: tr_*; local: *; };\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built := exec.Command("cc", "-shared", "-fPIC", "-Wl,-soname,libtrunkline.so.0", "-Wl,--version-script="+symbols, file,
		"-o", filepath.Join(folder, "libtrunkline.so.0"))
	if output, err := built.CombinedOutput(); err != nil {
		t.Fatal(err, string(output))
	}
	return folder
}

const fakeVersions = "const char *tr_version(void) { return \"%s\"; }\nunsigned tr_abi_version(void) { return %#x; }\n"

func TestAnotherLibraryIsRefused(t *testing.T) {
	if linkedStatically {
		t.Log("this program has the library in it")
		return
	}
	directory := t.TempDir()
	for _, each := range []struct {
		version string
		abi     uint32
	}{{"2.7.1", 0x00020000}, {"0.0.1", 0}} {
		folder := fakeLibrary(t, fmt.Sprintf(fakeVersions, each.version, each.abi))
		code, output := runProgram(t, "start", directory, "LD_LIBRARY_PATH="+folder)
		if code != 0 || !strings.Contains(output, "built for ABI 0.") || !strings.Contains(output, each.version) {
			t.Errorf("with ABI %#x: %d %s", each.abi, code, output)
		}
	}
	if code, output := runProgram(t, "start", directory); code != 0 || !strings.Contains(output, "said: <nil>") {
		t.Error("the control: the right library is refused:", code, output)
	}
}

func TestAMissingLibraryIsSaidByTheLoader(t *testing.T) {
	if linkedStatically {
		t.Log("this program has the library in it")
		return
	}
	folder := t.TempDir()
	wrong := filepath.Join(folder, "libtrunkline.so.0") // found first, and no library at all
	if err := os.WriteFile(wrong, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, output := runProgram(t, "version", folder, "LD_LIBRARY_PATH="+folder)
	if code == 0 || !strings.Contains(output, "libtrunkline.so.0") || strings.Contains(output, "version ") {
		t.Error(code, output)
	}
}

// exitProgram leaves in the way that is asked for, with spans that are not delivered and a hook that blocks.
func exitProgram() {
	how := os.Getenv("HOW")
	block := batchFunc(func(*Batch) error { select {} })
	if err := Init(WithProcessors("jsonl"), WithProcessor(Custom(block))); err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	recordTrace("recorded", 100)
	if how != "main" {
		leave(how)
	}
}

func leave(how string) {
	switch how {
	case "exit":
		os.Exit(3)
	case "goroutine":
		go os.Exit(3)
		select {}
	case "panic":
		panic("as asked for")
	case "fatal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "term":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {}
	}
}

// recoverProgram starts the library where another process died, and tells what arrived.
func recoverProgram() {
	if err := Init(WithProcessors("jsonl")); err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	_ = within(Flush)
	_ = within(Shutdown)
}

func TestWhateverWayAProgramEnds(t *testing.T) {
	for how, wanted := range map[string]int{"exit": 3, "goroutine": 3, "main": 0, "panic": 2, "fatal": 2, "term": -1} {
		t.Run(how, func(t *testing.T) {
			directory := t.TempDir()
			began := time.Now()
			code, output := runProgram(t, "exit", directory, "HOW="+how)
			if code != wanted {
				t.Error(code, output)
			}
			if took := time.Since(began); took > limit {
				t.Error("it took", took)
			}
			if code, output := runProgram(t, "recover", directory); code != 0 {
				t.Fatal(code, output)
			}
			lines, _ := os.ReadFile(filepath.Join(directory, "traces.jsonl"))
			expect(t, "the spans", strings.Count(string(lines), `"type":"span_end"`), 100)
			expect(t, "the ends", strings.Count(string(lines), `"type":"trace_end"`), 1)
		})
	}
}

// remembering is a durable processor that saves how many records it has seen.
type remembering struct{ print bool }

func (r remembering) OnBatch(batch *Batch) error {
	if r.print {
		for i := range batch.Records {
			fmt.Println("record", batch.Adopted, batch.Records[i].Name, batch.Records[i].Sequence)
		}
		return nil
	}
	if batch.Records[0].Name != "first" {
		return ErrAgain
	}
	return SaveState([]byte(fmt.Sprint("seen ", batch.Records[0].Sequence)))
}

func (remembering) Restore(runID string, state []byte) error {
	fmt.Printf("restored %q of %t\n", state, runID != "")
	return nil
}

// killProgram is killed after its second trace; its processor takes the first alone. In its second life it gets the rest.
func killProgram() {
	second := os.Getenv("LIFE") == "2"
	err := Init(WithProcessors(), WithProcessor(Custom(remembering{second}, Durable(), Named("r"), Destination("d"),
		BatchSize(1))))
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
	if second {
		_ = within(Flush)
		_ = within(Shutdown)
		return
	}
	recordTrace("first", 1)
	id, _ := FindProcessor("r")
	for {
		if counts, _ := id.Stats(); counts.Delivered.Records == 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	ctx, _ := StartTrace(context.Background(), "second")
	_, span := Start(ctx, "ended")
	span.End()
	_, open := Start(ctx, "open", String("kept", "yes"))
	open.Set(String("waits", "no"))
	_, flushed := Start(ctx, "flushed")
	flushed.Set(String("kept", "yes"))
	flushed.Flush()
	fmt.Println("ready")
	select {}
}

func TestADurableProcessorGetsWhatAKilledProcessLeft(t *testing.T) {
	directory := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	killed := command(ctx, "kill", directory)
	output, err := killed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(output).ReadString('\n')
	_ = killed.Process.Kill()
	_ = killed.Wait()
	expect(t, "the first life", line, "ready\n")
	code, said := runProgram(t, "kill", directory, "LIFE=2")
	expect(t, "the exit code", code, 0)
	for _, wanted := range []string{`restored "seen 3" of true`, "record true second", "record true ended", "record true open",
		"record true flushed"} {
		if !strings.Contains(said, wanted) {
			t.Errorf("it does not say %q: %s", wanted, said)
		}
	}
	if strings.Contains(said, "first") {
		t.Error("what was taken came again:", said)
	}
}

func TestStartsAndStopsLeaveNothing(t *testing.T) {
	once := func() {
		kept := &keeper{}
		if err := Init(WithDirectory(t.TempDir()), WithProcessors(), WithProcessor(Custom(kept))); err != nil {
			t.Fatal(err)
		}
		recordTrace("trace", 10)
		if err := within(Shutdown); err != nil {
			t.Fatal(err)
		}
		if kept.releases() != 1 || len(kept.records) != 12 {
			t.Fatal(kept.releases(), len(kept.records))
		}
	}
	descriptors := func() int { found, _ := os.ReadDir("/proc/self/fd"); return len(found) }
	for range 3 {
		once()
	}
	before, goroutines := descriptors(), runtime.NumGoroutine()
	for range 100 {
		once()
	}
	eventually(t, "descriptors are closed", func() bool { return descriptors() <= before }) // the last by a thread that ends
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= goroutines })
}
