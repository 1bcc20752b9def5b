package trunkline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSpansOfAContextAreChildren(t *testing.T) {
	kept := session(t)
	ctx, trace := StartTrace(context.Background(), "trace", WithGroup("g"), WithForeignID("theirs"), String("k", "v"))
	outer, parent := Start(ctx, "parent", KindAgent)
	derived, cancel := context.WithCancel(context.WithValue(outer, programVariable, 1))
	defer cancel()
	_, child := Start(derived, "child", KindTool, WithForeignID("f"))
	_, top := trace.Start(derived, "top")
	_, elsewhere := parent.Start(context.Background(), "elsewhere")
	for _, span := range []*Span{child, top, elsewhere, parent} {
		span.End()
	}
	trace.Set(String("stop_reason", "success"))
	trace.End()

	above := kept.span(t, "parent")
	for name, wanted := range map[string]SpanID{"child": above.SpanID, "elsewhere": above.SpanID, "top": {}, "parent": {}} {
		found := kept.span(t, name)
		expect(t, "the parent of "+name, found.ParentID, wanted)
		expect(t, "the trace of "+name, found.TraceID.String(), trace.TraceID())
	}
	expect(t, "the kind", kept.span(t, "child").Kind, KindTool)
	expect(t, "the foreign id", kept.span(t, "child").ForeignID, "f")
	end := kept.only(t, RecordTraceEnd, "trace")
	expect(t, "the group", end.Group, "g")
	expect(t, "the foreign id of the trace", end.ForeignID, "theirs")
	reason, _ := end.Attr("stop_reason")
	expect(t, "the metadata", reason.Text(), "success")
}

func TestSpansOutsideOfTracesBringTheirOwn(t *testing.T) {
	kept := session(t)
	outside, alone := Start(context.Background(), "alone")
	_, inside := Start(outside, "inside")
	inside.End()
	alone.End()
	if alone.TraceID() == "" || kept.span(t, "inside").TraceID != kept.span(t, "alone").TraceID {
		t.Error("a span alone is no trace")
	}
	kept.only(t, RecordTraceEnd, "alone")

	ctx, trace := StartTrace(context.Background(), "ended")
	trace.End()
	_, late := Start(ctx, "late")
	late.End()
	if kept.span(t, "late").TraceID.String() == trace.TraceID() {
		t.Error("a span was added to an ended trace")
	}
	_, chosen := trace.Start(context.Background(), "chosen")
	expect(t, "recording in a chosen trace that has ended", chosen.Recording(), false)
}

func TestARootThatIsNotSampledIsOneDecision(t *testing.T) {
	kept := session(t, WithSampleRatio(0.5))
	sampled := 0
	for range 100 {
		ctx, root := Start(context.Background(), "root")
		_, child := Start(ctx, "child")
		expect(t, "recording below a root", child.Recording(), root.Recording())
		if root.Recording() {
			sampled++
		}
		child.End()
		root.End()
	}
	if sampled == 0 || sampled == 100 {
		t.Error("the control: sampled", sampled)
	}
	for _, record := range kept.all(t) {
		if record.Type == RecordTraceEnd && record.Name != "root" {
			t.Error("a trace of its own:", record.Name)
		}
	}
}

func TestNothingIsRecordedWhereItIsSwitchedOff(t *testing.T) {
	kept := session(t)
	ctx, span := Start(Disabled(context.Background()), "off")
	_, trace := StartTrace(ctx, "off")
	run := StartRun(ctx, RunOptions{Name: "off"})
	for what, recording := range map[string]bool{"span": span.Recording(), "trace": trace.Recording(),
		"run": run.Recording()} {
		expect(t, what+" recording", recording, false)
	}
	useEverything(span, trace, run)
	if records := kept.all(t); len(records) > 0 {
		t.Error(records)
	}
}

// useEverything calls every method.
func useEverything(span *Span, trace *Trace, run *Run) {
	span.Set(String("a", "b"))
	span.SetModel("m")
	span.SetUsage(1, 2, Total(3))
	span.SetInput("in")
	span.SetOutput(map[string]int{"a": 1})
	span.SetScore("s", 0.5)
	span.SetStep(3)
	span.SetForeignID("f")
	span.RecordError(errors.New("e"))
	span.Event("e", Int("i", 1))
	span.Flush()
	_, child := span.Start(context.Background(), "child")
	child.End()
	_ = span.TraceID() + span.SpanID() + span.Traceparent()
	span.End()
	trace.Set(String("a", "b"))
	trace.RecordError(errors.New("e"))
	trace.Event("e")
	_ = trace.Record(SpanData{Name: "r", Parent: span})
	_ = trace.TraceID() + trace.Traceparent()
	trace.End()
	_ = run.Log(Unknown, Float("loss", 1))
	_ = run.SetSummary()
	_ = run.SetConfig()
	_ = run.SetTag("a", "b")
	_ = run.LogArtifact("a", "/nowhere")
	_ = run.Finish(RunFinished, 0)
}

func TestNilEndedAndShutDown(t *testing.T) {
	useEverything(nil, nil, nil) // before the start
	begin(t)
	ctx, trace := StartTrace(nil, "trace") //nolint:staticcheck // a context that is nil is one of the mistakes
	_, span := Start(ctx, "span")
	run := StartRun(ctx, RunOptions{})
	span.End()
	trace.End()
	_ = run.Finish(RunFinished, 0)
	before := GetStats()
	useEverything(span, trace, run)
	if after := GetStats(); after.StaleHandles < before.StaleHandles+20 || after.SpansEnded != before.SpansEnded {
		t.Errorf("what is done with what has ended is not counted: %+v", after)
	}
	if err := within(Shutdown); err != nil {
		t.Fatal(err)
	}
	useEverything(span, trace, run)
	_, late := Start(ctx, "late")
	expect(t, "recording after the end", late.Recording(), false)
	useEverything(late, CurrentTrace(ctx), StartRun(ctx, RunOptions{}))
	expect(t, "a second shutdown", within(Shutdown), nil)
	if err := Flush(context.Background()); !errors.Is(err, ErrState) {
		t.Error(err)
	}
}

type pathless struct{ error }

// An endless error contains itself.
type endless struct{ error }

func (e *endless) Unwrap() error { return e }

func TestErrorsAreNamedByTheirInnermostType(t *testing.T) {
	missing := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	for _, each := range []struct {
		err  error
		name string
	}{
		{errors.New("plain"), "errors.errorString"},
		{fmt.Errorf("outer: %w", context.DeadlineExceeded), "context.deadlineExceededError"},
		{fmt.Errorf("two: %w", fmt.Errorf("three: %w", missing)), "errors.errorString"},
		{errors.Join(&json.SyntaxError{Offset: 3}, context.Canceled), "json.SyntaxError"},
		{fmt.Errorf("%w and %w", context.DeadlineExceeded, missing), "context.deadlineExceededError"},
		{pathless{nil}, "trunkline.pathless"},  // whose message panics
		{(*fs.PathError)(nil), "fs.PathError"}, // whose Unwrap panics
		{fmt.Errorf("outer: %w", (*fs.PathError)(nil)), "fs.PathError"},
		{&endless{errors.New("again")}, "trunkline.endless"},
		{Code(-2), "trunkline.Code"},
	} {
		expect(t, fmt.Sprintf("the type of %T", each.err), errorType(each.err), each.name)
		_ = errorMessage(each.err)
	}
	kept := session(t)
	_, span := Start(context.Background(), "span")
	span.RecordError(nil)
	span.RecordError(fmt.Errorf("outer: %w", missing))
	span.End()
	found := kept.span(t, "span")
	expect(t, "the message", found.ErrorMessage, "outer: open x: file does not exist")
	expect(t, "failed", found.Failed(), true)
}

func TestPanicsAreRecordedAndGoOn(t *testing.T) {
	kept := session(t)
	for name, thrown := range map[string]any{"text": "boom", "error": context.Canceled} {
		var caught any
		func() {
			defer func() { caught = recover() }()
			ctx, trace := StartTrace(context.Background(), name)
			defer trace.End()
			_, span := Start(ctx, name)
			defer span.End()
			panic(thrown)
		}()
		expect(t, "what goes on", caught, thrown)
		for _, kind := range []RecordType{RecordSpanEnd, RecordTraceEnd} {
			found := kept.only(t, kind, name)
			expect(t, "failed", found.Failed(), true)
			expect(t, "the message", found.ErrorMessage, fmt.Sprint(thrown))
		}
	}
	func() {
		defer func() { _ = recover() }()
		_, span := Start(context.Background(), "root")
		defer span.End()
		panic("boom")
	}()
	expect(t, "the trace of a root has failed", kept.only(t, RecordTraceEnd, "root").ErrorMessage, "boom")
	expect(t, "the type of a text", kept.span(t, "text").ErrorType, "panic")
	expect(t, "the type of an error", kept.span(t, "error").ErrorType, "errors.errorString")
}

func TestAttributesWaitAndCrossTogether(t *testing.T) {
	kept := session(t)
	waiting := func(s *Span) int {
		s.latch.take()
		defer s.latch.release()
		if s.waits == nil {
			return 0
		}
		return len(s.waits.bytes)
	}
	ctx, span := Start(context.Background(), "span")
	span.Set(String("a", "1"))
	if waiting(span) == 0 {
		t.Error("an attribute does not wait")
	}
	for what, crosses := range map[string]func(){
		"a child":     func() { _, child := Start(ctx, "child"); child.End() },
		"Flush":       span.Flush,
		"a field":     func() { span.SetModel("m") },
		"an event":    func() { span.Event("e") },
		"a long text": func() { span.Set(String("long", strings.Repeat("x", largeText+1))) },
		"many": func() {
			span.Set(String("b", strings.Repeat("x", largeText)), String("c", strings.Repeat("x", largeText)))
		},
	} {
		span.Set(String(what, "set"))
		crosses()
		expect(t, "what waits after "+what, waiting(span), 0)
	}
	span.Set(String("gen_ai.request.model", "first"))
	span.SetModel("second")
	span.End()
	found := kept.span(t, "span")
	expect(t, "the model that was set last", found.Model, "second")
	expect(t, "the number of attributes", len(found.Attributes), 10)

	const many = 100
	var open [many]*Span
	for i := range open {
		_, open[i] = Start(context.Background(), fmt.Sprintf("left open %d", i))
		open[i].Set(Int("i", i))
	}
	flush(t)
	expect(t, "what waits after a Flush of all", waiting(open[0])+waiting(open[many-1]), 0)
	for i := range open {
		open[i].Set(Bool("late", true))
	}
	if err := within(Shutdown); err != nil {
		t.Fatal(err)
	}
	for i := range open {
		found := kept.delivered(t, RecordSpanEnd, fmt.Sprintf("left open %d", i))
		expect(t, "what was set on a span that Shutdown ended", len(found.Attributes), 2)
	}
	kept = session(t, WithAttributeBuffer(0))
	_, span = Start(context.Background(), "at once")
	span.Set(String("a", "1"), Bool("b", true), Float("f", 0.5), Ints("l", []int64{1}), Null("n"))
	expect(t, "what waits without a buffer", waiting(span), 0)
	span.End()
	expect(t, "the number of attributes", len(kept.span(t, "at once").Attributes), 5)
}

func TestOneSpanOfManyGoroutines(t *testing.T) {
	kept := session(t)
	ctx, span := Start(context.Background(), "span")
	var group sync.WaitGroup
	for i := range 16 {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := range 20 {
				span.Set(Int(fmt.Sprintf("%d-%d", i, j), j))
			}
			_, child := Start(ctx, "child")
			child.End()
		}()
	}
	group.Wait()
	var ends sync.WaitGroup
	before := GetStats().SpansEnded
	for range 8 {
		ends.Add(1)
		go func() {
			defer ends.Done()
			span.End()
		}()
	}
	ends.Wait()
	expect(t, "the attributes", len(kept.span(t, "span").Attributes), 320)
	expect(t, "ends that count", GetStats().SpansEnded-before, 1)
}

func TestTimedElsewhere(t *testing.T) {
	kept := session(t)
	ctx, trace := StartTrace(context.Background(), "trace")
	_, parent := Start(ctx, "parent")
	start := time.Unix(1_700_000_000, 5)
	err := trace.Record(SpanData{Name: "past", Kind: KindTool, Parent: parent, Start: start, End: start.Add(time.Second),
		Attributes: []Attr{Int("n", 1)}, Err: context.Canceled, ForeignID: "f", SpanID: SpanID{1, 2, 3, 4, 5, 6, 7, 8}})
	if err != nil {
		t.Fatal(err)
	}
	parent.End()
	trace.End()
	found := kept.span(t, "past")
	expect(t, "the start", found.Start(), start)
	expect(t, "the duration", found.Duration(), time.Second)
	expect(t, "the id", found.SpanID.String(), "0102030405060708")
	expect(t, "the parent", found.ParentID, kept.span(t, "parent").SpanID)
	expect(t, "the message", found.ErrorMessage, "context canceled")
}

func TestTracesAcrossProcesses(t *testing.T) {
	kept := session(t)
	const remote = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx, trace := StartTrace(context.Background(), "continued", WithTraceparent(remote))
	expect(t, "the trace", trace.TraceID(), "0af7651916cd43dd8448eb211c80319c")
	inside, span := Start(ctx, "span")
	parsed, err := ParseTraceparent(Traceparent(inside))
	if err != nil || parsed.SpanID.String() != span.SpanID() || parsed.TraceID.String() != span.TraceID() {
		t.Error(Traceparent(inside), err)
	}
	span.End()
	expect(t, "the traceparent of an ended span", span.Traceparent(), "")
	if len(span.SpanID()) != 16 {
		t.Error("an id that was asked for is gone after the end")
	}
	trace.End()
	expect(t, "the parent", kept.span(t, "span").ParentID.String(), "b7ad6b7169203331")
	for _, bad := range []string{"", "00-0-0-0", remote[:54], "00-" + strings.Repeat("0", 32) + remote[35:]} {
		if _, err := ParseTraceparent(bad); !errors.Is(err, ErrInvalid) {
			t.Error(bad, err)
		}
	}
	expect(t, "the context of nothing", Traceparent(context.Background()), "")
	_, other := StartTrace(context.Background(), "other", WithTraceparent("nonsense"))
	expect(t, "recording", other.Recording(), true)
	off, unsampled := StartTrace(context.Background(), "unsampled", WithTraceparent(remote[:53]+"00"))
	expect(t, "recording what is not sampled", unsampled.Recording(), false)
	off, _ = Start(off, "inside")
	expect(t, "the decision that is handed on", Traceparent(off), remote[:53]+"00")
}

func TestFilesOfRuns(t *testing.T) {
	kept := session(t)
	folder := t.TempDir()
	page := filepath.Join(folder, "page.html")
	if err := os.WriteFile(page, []byte("<p>"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := StartRun(context.Background(), RunOptions{Name: "run"})
	for what, err := range map[string]error{
		"a file": run.LogArtifact("x/page.html", page), "media": run.LogMedia(2, "page", MediaHTML, page),
		"an artifact": run.AddArtifact(Artifact{Name: "model", Type: "model", Aliases: []string{"best", "v-1"},
			Metadata: []Attr{Int("n", 1), Strings("l", []string{"a", "b"})},
			Files:    []ArtifactFile{{"", page}, {"other.html", page}}}),
		"a use": run.UseArtifact("data:latest"),
	} {
		expect(t, what, err, nil)
	}
	for what, err := range map[string]error{
		"an image that is none":         run.LogMedia(2, "page", MediaImage, page),
		"an artifact without files":     run.AddArtifact(Artifact{Name: "model", Type: "model"}),
		"two files of one path":         run.AddArtifact(Artifact{Name: "m", Type: "t", Files: []ArtifactFile{{"a", page}, {"a", page}}}),
		"a download without a name":     download(context.Background(), "http://127.0.0.1:1", "", folder),
		"a file that leads out of here": run.LogArtifact("../x", page),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Error(what, err)
		}
	}
	added := kept.only(t, RecordRunAddArtifact, "model")
	files, _ := added.Attr("files")
	aliases, _ := added.Attr("aliases")
	for _, part := range []string{`"page.html"`, `"other.html"`} {
		if !strings.Contains(files.String(), part) {
			t.Error(files, "has no", part)
		}
	}
	if !strings.Contains(aliases.String(), "best") || !strings.Contains(aliases.String(), "v-1") {
		t.Error(aliases)
	}
	kept.only(t, RecordRunUseArtifact, "data:latest")
	expect(t, "the step of media", kept.only(t, RecordRunMedia, "page").Step, 2)
}

func TestRuns(t *testing.T) {
	kept := session(t)
	ctx, trace := StartTrace(context.Background(), "trace")
	run := StartRun(ctx, RunOptions{Name: "run", Project: "p", Group: "g", Config: []Attr{Float("lr", 0.1)}})
	for _, err := range []error{run.Log(7, Float("loss", 0.5)), run.SetSummary(Float("best", 0.5)), run.SetTag("nightly", ""),
		run.SetConfig(Int("seed", 1)), run.Finish(RunFailed, 3)} {
		if err != nil {
			t.Error(err)
		}
	}
	trace.End()
	if err := run.Log(8, Float("late", 1)); !errors.Is(err, ErrStale) {
		t.Error(err)
	}
	if err := StartRun(context.Background(), RunOptions{}).LogArtifact("../x", "/etc/passwd"); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	finish := kept.only(t, RecordRunFinish, "run")
	expect(t, "the status", finish.RunStatus, RunFailed)
	expect(t, "the exit code", finish.ExitCode, 3)
	expect(t, "the trace", finish.TraceID.String(), trace.TraceID())
}

func download(ctx context.Context, server, name, folder string) error {
	return DownloadArtifact(ctx, WandbOptions{APIKey: "k", BaseURL: server, TimeoutMS: 2000}, name, folder)
}

func TestADownloadIsWaitedForAsLongAsItsContext(t *testing.T) {
	asked, over := make(chan struct{}), make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-over
	}))
	defer server.Close()
	defer close(over)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-asked; cancel() }()
	if err := download(ctx, server.URL, "e/p/n:v0", t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhatIsPrintedWhileASpanIsWrittenTo(t *testing.T) {
	session(t)
	ctx, trace := StartTrace(context.Background(), "trace")
	within, span := Start(ctx, "span", String("password", "hunter2"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 1000 {
			span.Set(Int("i", i))
		}
		span.End()
	}()
	for range 100 {
		_ = fmt.Sprint(within, span, trace)
	}
	<-done
	at := "trace " + trace.TraceID()
	expect(t, "a trace", fmt.Sprint(trace), at)
	expect(t, "its context", fmt.Sprint(ctx), "context.Background.With("+at+")")
	expect(t, "a span", fmt.Sprint(span), at+", span "+span.SpanID())
	expect(t, "its context", fmt.Sprint(within), "context.Background.With("+at+").With("+at+", span "+span.SpanID()+")")
	expect(t, "none", fmt.Sprint((*Span)(nil), Disabled(struct{ context.Context }{ctx})),
		"not recorded struct { context.Context }.With(not recorded)")
}
