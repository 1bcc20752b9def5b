package trunkline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// batchFunc and recordFunc are processors of one function.
type batchFunc func(*Batch) error
type recordFunc func(*Record) error

func (f batchFunc) OnBatch(batch *Batch) error     { return f(batch) }
func (f recordFunc) OnRecord(record *Record) error { return f(record) }

func add(t *testing.T, attachment Attachment) ProcessorID {
	t.Helper()
	id, err := AddProcessor(attachment)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func counts(t *testing.T, id ProcessorID) ProcessorStats {
	t.Helper()
	found, err := id.Stats()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAPanicOfAHookIsAnErrorOfThatProcessor(t *testing.T) {
	log := &words{}
	kept := session(t, WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	inBatches := add(t, Custom(batchFunc(func(*Batch) error { panic("in a batch") }), Named("batches"), BatchSize(1)))
	oneByOne := add(t, Each(recordFunc(func(*Record) error { var none *Batch; _ = none.Records; return nil }), Named("records")))
	failing := add(t, Each(recordFunc(func(*Record) error { return errors.New("refused") }), Named("failing")))
	recordTrace("trace", 20)
	expect(t, "what others are given", len(kept.all(t)), 22)
	for name, id := range map[string]ProcessorID{"batches": inBatches, "records": oneByOne, "failing": failing} {
		found := counts(t, id)
		expect(t, "poisoned "+name, found.PoisonedNow, true)
		expect(t, "what was rejected", found.Rejected.Records, 16)
		expect(t, "what was not offered", found.Poisoned.Records, 6)
	}
	for _, what := range []string{"in a batch", "nil pointer", "refused", "processor=batches", "processor_test.go"} {
		if !log.contain(what) {
			t.Errorf("the log does not tell %q", what)
		}
	}
}

func TestAgainOffersAgain(t *testing.T) {
	begin(t)
	var offered atomic.Int64
	id := add(t, Each(recordFunc(func(record *Record) error {
		if record.Type == RecordSpanEnd && offered.Add(1) < 4 {
			return fmt.Errorf("later: %w", ErrAgain)
		}
		return nil
	})))
	recordTrace("trace", 1)
	flush(t)
	found := counts(t, id)
	expect(t, "retries", found.Retries, 3)
	expect(t, "delivered", found.Delivered.Records, 3)
}

func TestABlockedHookDelaysNobody(t *testing.T) {
	kept := session(t)
	release := make(chan struct{})
	var entered atomic.Bool
	id := add(t, Custom(batchFunc(func(*Batch) error { entered.Store(true); <-release; return nil })))
	recordTrace("trace", 10)
	eventually(t, "the hook is entered", entered.Load)
	recordTrace("another", 10)
	eventually(t, "others get everything", func() bool {
		kept.lock.Lock()
		defer kept.lock.Unlock()
		return len(kept.records) == 24
	})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := Flush(ctx); !errors.Is(err, ErrTimedOut) {
		t.Error(err)
	}
	cancelled, stop := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, stop)
	if err := Flush(cancelled); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	began := time.Now()
	if err := Shutdown(ctx); !errors.Is(err, ErrTimedOut) {
		t.Error(err)
	}
	if took := time.Since(began); took > limit {
		t.Error("the shutdown took", took)
	}
	close(release)
	_ = id
	eventually(t, "the library is down", func() bool { return Shutdown(context.Background()) == nil })
}

func TestWhatAHookDoes(t *testing.T) {
	begin(t)
	found := make(chan error, 8)
	var once sync.Once
	inner := &keeper{}
	add(t, Custom(batchFunc(func(*Batch) error {
		once.Do(func() {
			_, trace := StartTrace(context.Background(), "inside")
			_, span := Start(context.Background(), "inside")
			if trace.Recording() || span.Recording() || StartRun(context.Background(), RunOptions{}).Recording() {
				found <- errors.New("what a hook starts is recorded")
			}
			refused := &keeper{} // which is released within this hook
			if _, err := AddProcessor(Custom(refused, Named(""))); !errors.Is(err, ErrInvalid) || refused.releases() != 1 {
				found <- fmt.Errorf("a processor without a name: %w, released %d times", err, refused.releases())
			}
			for _, call := range []func(context.Context) error{Flush, Shutdown, func(ctx context.Context) error {
				return download(ctx, "http://127.0.0.1:1", "e/p/n:v0", "unused")
			}} {
				ctx, cancel := context.WithTimeout(context.Background(), limit)
				if err := call(ctx); !errors.Is(err, ErrReentrant) {
					found <- fmt.Errorf("a hook waits: %w", err)
				}
				cancel()
			}
			if err := Init(); !errors.Is(err, ErrReentrant) {
				found <- fmt.Errorf("a hook starts the library: %w", err)
			}
			id, err := AddProcessor(Custom(inner, Named("inner")))
			if err != nil {
				found <- err
			} else if err := RemoveProcessor(id); err != nil {
				found <- err
			}
		})
		return nil
	})))
	recordTrace("trace", 1)
	flush(t)
	close(found)
	for err := range found {
		t.Error(err)
	}
	eventually(t, "the inner processor is released", func() bool { return inner.releases() == 1 })
	if err := SaveState([]byte("outside")); !errors.Is(err, ErrState) {
		t.Error(err)
	}
}

func TestBatchesAreKeptAndAcknowledgedElsewhere(t *testing.T) {
	begin(t)
	kept := make(chan *Retained, 100)
	var first, last atomic.Pointer[Batch]
	id := add(t, Custom(batchFunc(func(batch *Batch) error {
		retained, err := batch.Retain()
		first.CompareAndSwap(nil, batch)
		last.Store(batch)
		kept <- retained
		return err
	}), BatchSize(1)))
	recordTrace("trace", 3)
	var all []*Retained
	for range 5 {
		all = append(all, <-kept)
	}
	expect(t, "delivered before", counts(t, id).Delivered.Records, 0)
	expect(t, "the last record", last.Load().Records[0].Type, RecordTraceEnd)
	if _, err := first.Load().Retain(); !errors.Is(err, ErrState) {
		t.Error("a batch is retained after its hook:", err)
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var group sync.WaitGroup
	for i, each := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			result := error(nil)
			if i == 0 {
				result = errors.New("not this one")
			}
			if err := each.Ack(result); err != nil {
				t.Error(err)
			}
			if err := each.Ack(nil); !errors.Is(err, ErrState) {
				t.Error("a batch is acknowledged twice:", err)
			}
		}()
	}
	group.Wait()
	flush(t)
	expect(t, "delivered", counts(t, id).Delivered.Records, 4)
	expect(t, "rejected", counts(t, id).Rejected.Records, 1)
}

func TestARetainedBatchOfAHookThatFails(t *testing.T) {
	begin(t)
	var last *Retained // of the hook that fails by an error
	retaining := func(fail func(*Retained) error) ProcessorID {
		return add(t, Custom(batchFunc(func(batch *Batch) error {
			retained, err := batch.Retain()
			if err != nil {
				t.Error(err)
			}
			return fail(retained)
		}), BatchSize(1)))
	}
	failing := retaining(func(retained *Retained) error { last = retained; return errors.New("refused") })
	panicking := retaining(func(*Retained) error { panic("refused") })
	refusals := 0
	again := retaining(func(retained *Retained) error {
		if refusals++; refusals < 3 {
			return ErrAgain
		}
		return retained.Ack(nil)
	})
	recordTrace("trace", 1)
	flush(t)
	expect(t, "rejected by an error", counts(t, failing).Rejected.Records, 3)
	expect(t, "rejected by a panic", counts(t, panicking).Rejected.Records, 3)
	expect(t, "delivered at last", counts(t, again).Delivered.Records, 3)
	expect(t, "retries", counts(t, again).Retries, 2)
	if err := last.Ack(nil); !errors.Is(err, ErrState) {
		t.Error("a batch is acknowledged twice:", err)
	}
}

func TestAStateMayLieBesidePointers(t *testing.T) {
	begin(t)
	state := &struct {
		other    *int
		position [8]byte
	}{other: new(int)}
	id := add(t, Custom(batchFunc(func(*Batch) error { return SaveState(state.position[:]) })))
	recordTrace("trace", 1)
	flush(t)
	expect(t, "delivered", counts(t, id).Delivered.Records, 3)
}

// hooks counts what is called after the release, which must be nothing.
type hooks struct {
	calls, late, releases atomic.Int64
}

func (h *hooks) OnBatch(*Batch) error {
	h.calls.Add(1)
	if h.releases.Load() > 0 {
		h.late.Add(1)
	}
	return nil
}

func (h *hooks) Release() { h.releases.Add(1) }

func TestReleasedOnceAfterTheLastHook(t *testing.T) {
	begin(t)
	stop := make(chan struct{})
	var recording sync.WaitGroup
	recording.Add(1)
	go func() {
		defer recording.Done()
		for {
			select {
			case <-stop:
				return
			default:
				recordTrace("load", 5)
			}
		}
	}()
	const schedules = 1000
	all := make([]*hooks, schedules)
	for i := range all {
		all[i] = &hooks{}
		id := add(t, Custom(all[i], BatchSize(1+i%3)))
		switch i % 4 {
		case 0: // at once
		case 1:
			recordTrace("between", 1)
			if i%20 == 1 {
				eventually(t, "a hook is called", func() bool { return all[i].calls.Load() > 0 })
			}
		case 2:
			time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		case 3:
			go func() { _ = RemoveProcessor(id) }()
		}
		if err := RemoveProcessor(id); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrState) {
			t.Fatal(err)
		}
	}
	close(stop)
	recording.Wait()
	called := int64(0)
	for i, each := range all {
		eventually(t, fmt.Sprint("release of ", i), func() bool { return each.releases.Load() == 1 })
		expect(t, "hooks after the release", each.late.Load(), 0)
		called += each.calls.Load()
	}
	if called < schedules/20 {
		t.Error("hooks ran", called, "times: the schedules prove little")
	}
}

// A slow processor of single records that is removed in the middle of a batch.
type slowly struct {
	asked    atomic.Int32
	released atomic.Bool
}

func (s *slowly) OnRecord(*Record) error {
	s.asked.Add(1)
	time.Sleep(20 * time.Millisecond)
	return nil
}

func (s *slowly) Release() { s.released.Store(true) }

func TestWhatIsRemovedIsAskedNoMore(t *testing.T) {
	session(t)
	slow := &slowly{}
	id := add(t, Each(slow))
	recordTrace("trace", 300)
	eventually(t, "the hook is entered", func() bool { return slow.asked.Load() > 0 })
	if err := RemoveProcessor(id); err != nil {
		t.Fatal(err)
	}
	asked := slow.asked.Load()
	eventually(t, "it is released", slow.released.Load)
	if more := slow.asked.Load() - asked; more > 1 {
		t.Error("it was asked", more, "more times")
	}
}

func TestARegistrationThatFails(t *testing.T) {
	for name, add := range map[string]func(Attachment) error{
		"AddProcessor":  func(a Attachment) error { _, err := AddProcessor(a); return err },
		"SetProcessors": func(a Attachment) error { _, err := SetProcessors(a); return err },
	} {
		kept := &keeper{}
		if err := add(Custom(kept)); !errors.Is(err, ErrState) { // before the start
			t.Error(name, err)
		}
		expect(t, "releases after "+name, kept.releases(), 1)
	}
	kept := session(t)
	for what, bad := range map[string]Attachment{
		"no name": Custom(&keeper{}, Named("")), "a long name": Custom(&keeper{}, Named(strings.Repeat("n", 65))),
		"a NUL": Custom(&keeper{}, Named("a\x00b")), "no processor": Custom(nil), "nothing": Each(nil),
		"an unknown kind": BuiltIn("nowhere", nil), "an unknown option": BuiltIn("jsonl", map[string]any{"colour": 1}),
		"what is no JSON": BuiltIn("jsonl", func() {}),
	} {
		first, last := &keeper{}, &keeper{}
		_, err := SetProcessors(Custom(first), bad, Custom(last))
		if err == nil {
			t.Error(what, "is taken")
		}
		expect(t, "releases of the first, with "+what, first.releases(), 1)
		expect(t, "releases of the last, with "+what, last.releases(), 1)
		if host := bad.host; host != nil && !strings.Contains(host.name, "\x00") {
			expect(t, "releases of it, with "+what, host.processor.(*keeper).releases(), 1)
		}
		if _, err := AddProcessor(bad); err == nil {
			t.Error(what, "is taken the second time")
		}
	}
	recordTrace("trace", 1)
	expect(t, "what the old one is given", len(kept.all(t)), 3)
	twice := Custom(&keeper{})
	add(t, twice)
	if _, err := AddProcessor(twice); !errors.Is(err, ErrInvalid) {
		t.Error("attached twice:", err)
	}
}

func TestSetFindReplaceRemove(t *testing.T) {
	first := session(t)
	second := &keeper{}
	ids, err := SetProcessors(Custom(second, Named("second")), JSONL(""))
	if err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	eventually(t, "the first is released", func() bool { return first.releases() == 1 })
	found, err := FindProcessor("second")
	if err != nil || found != ids[0] {
		t.Error(found, err)
	}
	if jsonl, err := FindProcessor("jsonl"); err != nil || jsonl != ids[1] {
		t.Error(jsonl, err)
	}
	recordTrace("trace", 1)
	expect(t, "what the new one is given", len(second.all(t)), 3)
	expect(t, "what jsonl was given", counts(t, ids[1]).Delivered.Records, 3)
	if err := RemoveProcessor(found); err != nil {
		t.Error(err)
	}
	if _, err := FindProcessor("second"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if ids, err := SetProcessors(); err != nil || len(ids) != 0 {
		t.Error(ids, err)
	}
}

// every is a processor with every optional hook.
type every struct {
	keeper
	told sync.Map
}

func (e *every) ForceFlush(time.Duration) error { e.told.Store("flush", true); return nil }
func (e *every) OnTick(now time.Time) error     { e.told.Store("tick", now); return nil }
func (e *every) Shutdown(time.Duration) error {
	e.told.Store("shutdown", true)
	panic("in the last hook")
}

func TestOptionalHooks(t *testing.T) {
	begin(t)
	told := &every{}
	add(t, Custom(told, TickEvery(time.Millisecond)))
	recordTrace("trace", 1)
	told.all(t)
	has := func(what string) func() bool {
		return func() bool { _, ok := told.told.Load(what); return ok }
	}
	expect(t, "flushed", has("flush")(), true)
	eventually(t, "it ticks", has("tick"))
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := Shutdown(ctx); err != nil {
		t.Error(err)
	}
	expect(t, "told of the end", has("shutdown")(), true)
	expect(t, "releases", told.releases(), 1)
}

func TestBuiltInProcessors(t *testing.T) {
	begin(t)
	folder := t.TempDir()
	off := false
	_, err := SetProcessors(Local(LocalOptions{Path: filepath.Join(folder, "x.db"), MaxBytes: 1 << 30}),
		JSONL(filepath.Join(folder, "x.jsonl")), Console(ConsoleOptions{Stream: "stderr", Color: "never"}),
		MLflow(MLflowOptions{TrackingURI: filepath.Join(folder, "mlruns"), ExperimentName: "e", AutoEndRun: &off}),
		Wandb(WandbOptions{Project: "p", Mode: "offline", Dir: folder, Tags: []string{"t"}, Config: map[string]any{"lr": 1}}))
	if err != nil {
		t.Fatal(err)
	}
	recordTrace("trace", 2)
	flush(t)
	for _, pattern := range []string{"x.db", "x.jsonl", "mlruns/*/*/metrics", "wandb/offline-run-*/run-*.wandb"} {
		if found, _ := filepath.Glob(filepath.Join(folder, pattern)); len(found) == 0 {
			t.Error("there is no", pattern)
		}
	}
	lines, _ := os.ReadFile(filepath.Join(folder, "x.jsonl"))
	for _, line := range strings.Split(strings.TrimSpace(string(lines)), "\n") {
		if !json.Valid([]byte(line)) {
			t.Error(line)
		}
	}
	preset, err := FamilyPreset("Qwen/Qwen3-8B")
	if err != nil || preset["family"] != "qwen" {
		t.Error(preset, err)
	}
	if _, err := FamilyPreset("gpt-5"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
