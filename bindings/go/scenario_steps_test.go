package trunkline

// The steps of scenarios as a program in Go would make them. Methods of spans and traces do not tell result codes, which
// are therefore not compared; those of runs, processors and of the library do.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// errUnseen is the result of a method that tells none.
var errUnseen = errors.New("unseen")

func (p *player) trace(f *fields, member string) *Trace { return handle(p, f.text(member), &Trace{}) }
func (p *player) span(f *fields, member string) *Span   { return handle(p, f.text(member), &Span{}) }
func (p *player) runNamed(f *fields) *Run               { return handle(p, f.text("run"), &Run{}) }

// handle is what a name stands for; "0" is one that is not recording.
func handle[T any](p *player, name string, none T) T {
	if name == "0" {
		return none
	}
	found, ok := p.handles[name]
	if !ok {
		refuse("nothing is called %s", name)
	}
	return as[T](found, name)
}

func kindOf(f *fields) Kind {
	given := f.take("kind")
	if name, ok := given.(string); ok {
		kind, known := ParseKind(name)
		if !known {
			refuse("the unknown kind %s", name)
		}
		return kind
	}
	return Kind(integer(given))
}

func (p *player) startTrace(f *fields) *Trace {
	options := []TraceOption{WithGroup(f.textOr("group_id")), WithForeignID(f.textOr("foreign_id"))}
	if f.has("traceparent") {
		options = append(options, WithTraceparent(f.text("traceparent")))
	}
	for _, attr := range f.attrs("metadata") {
		options = append(options, attr)
	}
	_, trace := StartTrace(context.Background(), f.text("name"), options...)
	return trace
}

func (p *player) startSpan(f *fields) *Span {
	ctx := ContextWithTrace(context.Background(), p.trace(f, "trace"))
	if f.has("parent") {
		if parent := p.span(f, "parent"); parent.Recording() {
			ctx = ContextWithSpan(ctx, parent)
		}
	}
	options := []StartOption{kindOf(f)}
	for _, attr := range f.attrs("attributes") {
		options = append(options, attr)
	}
	_, span := Start(ctx, f.text("name"), options...)
	return span
}

func (p *player) startRun(f *fields) *Run {
	ctx := context.Background()
	if f.has("trace") {
		ctx = ContextWithTrace(ctx, p.trace(f, "trace"))
	}
	return StartRun(ctx, RunOptions{Name: f.textOr("name"), Project: f.textOr("project"), Group: f.textOr("group_id"),
		Config: f.attrs("config")})
}

func setUsage(span *Span, f *fields) {
	usage := object(f.take("usage"), "usage")
	details := []UsageDetail{Total(usage.number("total", Unknown)), CacheRead(usage.number("cache_read", Unknown)),
		CacheWrite(usage.number("cache_write", Unknown)), Reasoning(usage.number("reasoning", Unknown))}
	span.SetUsage(usage.number("input", Unknown), usage.number("output", Unknown), details...)
	usage.finish()
}

// content is text, or JSON that is there already.
func content(f *fields) any {
	value := valueOf(f.take("value"))
	if value.Type() == TypeJSON {
		return value.Any()
	}
	return value.Text()
}

func (p *player) record(f *fields) error {
	data := SpanData{Name: f.text("name"), Kind: kindOf(f), Start: time.Unix(0, f.number("start_ns", 0)),
		End: time.Unix(0, f.number("end_ns", 0)), ForeignID: f.textOr("foreign_id"), ErrorType: f.textOr("error_type"),
		ErrorMessage: f.textOr("error_message"), Attributes: f.attrs("attributes")}
	if f.has("parent") {
		data.Parent = p.span(f, "parent")
	}
	if f.has("id") {
		context, err := ParseTraceparent("00-0123456789abcdef0123456789abcdef-" + f.text("id") + "-01")
		if err != nil {
			refuse("an id that is none")
		}
		data.SpanID = context.SpanID
	}
	return p.trace(f, "trace").Record(data)
}

// newFile makes a file with this content, a folder with these files, or the name of neither.
func (p *player) newFile(f *fields) string {
	file := filepath.Join(p.newFolder(), "file")
	write := func(path, content string) {
		must(os.MkdirAll(filepath.Dir(path), 0o700))
		must(os.WriteFile(path, []byte(content), 0o600))
	}
	if f.has("content") {
		write(file, f.text("content"))
	}
	for name, content := range as[map[string]any](f.or("folder", map[string]any(nil)), "a folder") {
		write(filepath.Join(file, name), as[string](content, name))
	}
	return file
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (p *player) addArtifact(f *fields) error {
	artifact := Artifact{Name: f.text("name"), Type: f.text("type"), Description: f.textOr("description"),
		Metadata: f.attrs("metadata")}
	for _, alias := range f.list("aliases") {
		artifact.Aliases = append(artifact.Aliases, as[string](alias, "an alias"))
	}
	for _, given := range as[[]any](f.take("files"), "files") {
		file := object(given, "a file")
		artifact.Files = append(artifact.Files, ArtifactFile{file.text("path"), p.newFile(file)})
		file.finish()
	}
	return p.runNamed(f).AddArtifact(artifact)
}

func indexOf(name string, of []string) int {
	for i, each := range of {
		if each == name {
			return i
		}
	}
	refuse("the unknown %s", name)
	return 0
}

// say makes a step that gives a result.
func (p *player) say(what string, f *fields) error {
	switch {
	case strings.HasPrefix(what, "trace_"):
		p.sayOfTrace(what, f)
		return errUnseen
	case what == "span_record":
		return p.record(f)
	case strings.HasPrefix(what, "span_"):
		p.sayOfSpan(what, f)
		return errUnseen
	case strings.HasPrefix(what, "run_"):
		return p.sayOfRun(what, f)
	}
	return p.sayOfLibrary(what, f)
}

func (p *player) sayOfTrace(what string, f *fields) {
	trace := p.trace(f, "trace")
	switch what {
	case "trace_set":
		trace.Set(Attr{f.text("key"), valueOf(f.take("value"))})
	case "trace_set_error":
		trace.SetError(f.text("type"), f.text("message"))
	case "trace_event":
		trace.Event(f.text("name"), f.attrs("attributes")...)
	case "trace_end":
		trace.End()
	default:
		refuse("the unknown step %s", what)
	}
}

func (p *player) sayOfSpan(what string, f *fields) {
	span := p.span(f, "span")
	switch what {
	case "span_set":
		span.Set(Attr{f.text("key"), valueOf(f.take("value"))})
	case "span_set_many":
		span.Set(f.attrs("attributes")...)
	case "span_set_usage":
		setUsage(span, f)
	case "span_set_model":
		span.SetModel(f.text("model"))
	case "span_set_score":
		span.SetScore(f.text("name"), float(f.take("score")))
	case "span_set_step":
		span.SetStep(int(f.number("step", 0)))
	case "span_set_input":
		span.SetInput(content(f))
	case "span_set_output":
		span.SetOutput(content(f))
	case "span_set_error":
		span.SetError(f.text("type"), f.text("message"))
	case "span_set_foreign_id":
		span.SetForeignID(f.text("id"))
	case "span_event":
		span.Event(f.text("name"), f.attrs("attributes")...)
	case "span_end":
		span.Set(f.attrs("attributes")...)
		span.End()
	default:
		refuse("the unknown step %s", what)
	}
}

func (p *player) sayOfRun(what string, f *fields) error {
	switch what {
	case "run_log":
		return p.runNamed(f).Log(f.number("step", Unknown), f.attrs("metrics")...)
	case "run_set_summary":
		return p.runNamed(f).SetSummary(f.attrs("items")...)
	case "run_set_config":
		return p.runNamed(f).SetConfig(f.attrs("items")...)
	case "run_set_tag":
		return p.runNamed(f).SetTag(f.text("key"), f.text("value"))
	case "run_log_artifact":
		return p.runNamed(f).LogArtifact(f.text("path"), p.newFile(f))
	case "run_log_media":
		media := Media(indexOf(f.text("media"), mediaNames))
		return p.runNamed(f).LogMedia(f.number("step", Unknown), f.text("key"), media, p.newFile(f))
	case "run_add_artifact":
		return p.addArtifact(f)
	case "run_use_artifact":
		return p.runNamed(f).UseArtifact(f.text("name"))
	case "run_finish":
		return p.runNamed(f).Finish(RunStatus(indexOf(f.text("status"), statusNames)), int(f.number("exit_code", 0)))
	}
	refuse("the unknown step %s", what)
	return nil
}

func (p *player) sayOfLibrary(what string, f *fields) error {
	switch what {
	case "add_processor":
		returns := f.or("returns", "TR_OK")
		made, attachment := p.collectorOf(f)
		f.left["returns"] = returns
		id, err := AddProcessor(attachment)
		made.id = id
		return err
	case "set_processors":
		return p.setProcessors(f)
	case "remove_processor":
		return RemoveProcessor(p.collector(f).id)
	case "wait":
		collector, records := p.collector(f), int(f.number("records", 0))
		if !collector.wait(func() bool { return len(collector.taken) >= records }) {
			return ErrTimedOut
		}
		return nil
	case "ack":
		return p.collector(f).ack(errorNamed(f.text("result")))
	case "flush":
		return within(Flush)
	case "shutdown":
		return p.shutdown()
	case "init":
		return p.init()
	case "extract":
		return p.extract(f)
	}
	refuse("the unknown step %s", what)
	return nil
}

func (p *player) setProcessors(f *fields) error {
	var made []*collector
	var attachments []Attachment
	for _, each := range f.list("processors") {
		collector, attachment := p.collectorOf(object(each, "a processor"))
		made, attachments = append(made, collector), append(attachments, attachment)
	}
	ids, err := SetProcessors(attachments...)
	for i, id := range ids {
		made[i].id = id
	}
	return err
}

func (p *player) collector(f *fields) *collector {
	name := f.text("processor")
	found, ok := p.collectors[name]
	if !ok {
		refuse("there is no processor %s", name)
	}
	return found
}

func within(call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return call(ctx)
}

// inject compares a traceparent with the three parts that are expected.
func (p *player) inject(f *fields) {
	var traceparent string
	if f.has("trace") {
		traceparent = p.trace(f, "trace").Traceparent()
	} else {
		traceparent = p.span(f, "span").Traceparent()
	}
	returns := f.or("returns", "TR_OK")
	if (traceparent == "") != (returns != "TR_OK") {
		p.fail("inject gives %q", traceparent)
	}
	p.compareContext(f, traceparent)
}

func (p *player) extract(f *fields) error {
	traceparent := f.text("traceparent")
	context, err := ParseTraceparent(traceparent)
	if err != nil {
		f.or("expect", nil)
		return err
	}
	flags := "0" + string("0123456789abcdef"[context.Flags&15])
	p.compareContext(f, "00-"+context.TraceID.String()+"-"+context.SpanID.String()+"-"+flags)
	return nil
}

func (p *player) compareContext(f *fields, traceparent string) {
	if !f.has("expect") {
		return
	}
	expected := object(f.take("expect"), "the expected context")
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 {
		p.fail("%q is no traceparent", traceparent)
		return
	}
	wanted := form{"trace": expected.take("trace")}
	found := form{}
	p.showID(found, "trace", parts[1], false, wanted)
	if expected.has("parent") {
		wanted["parent"] = expected.take("parent")
		p.showID(found, "parent", parts[2], false, wanted)
	}
	wanted["flags"], found["flags"] = expected.take("flags"), parts[3]
	expected.finish()
	if !same(wanted, found) {
		p.fail("the context is %v and not %v", found, wanted)
	}
}
