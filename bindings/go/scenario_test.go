package trunkline

// Plays the conformance scenarios (tests/conformance/scenarios) through this package. What it does not see, and leaves out
// of both sides: the result codes of methods of spans and traces.

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const conformance = "../../tests/conformance"

var needs = []string{"after_shutdown", "bad_utf8", "calls_in_hooks", "chosen_ids", "double_end", "extract",
	"handle_misuse", "poll", "raw_json", "raw_json_attributes", "retain", "throw", "unknown_kinds"}

// cannot says why some needs are not met.
var cannot = map[string]string{
	"handle_misuse": "traces, spans and runs have types of their own, and a parent brings its trace",
	"poll":          "the library calls the processors",
}

var codeNames = []string{"TR_OK", "TR_EINVAL", "TR_ESTALE", "TR_ESTATE", "TR_ENOMEM", "TR_ETIMEDOUT", "TR_EAGAIN",
	"TR_EREENTRANT", "TR_EPARENT", "TR_EUNSUPPORTED", "TR_EIO", "TR_ELIMIT", "TR_ECLOSED", "TR_ENOENT", "TR_EINTERNAL"}

func errorNamed(name string) error {
	if i := indexOf(name, codeNames); i > 0 {
		return Code(-i)
	}
	return nil
}

func nameOfError(err error) string {
	if err == nil {
		return "TR_OK"
	}
	var code Code
	if errors.As(err, &code) {
		return codeNames[-code]
	}
	return err.Error()
}

type player struct {
	lock       sync.Mutex // of what hooks touch, too
	config     map[string]any
	folder     string
	folders    int
	buffer     int
	alive      bool
	handles    map[string]any
	collectors map[string]*collector
	counts     map[string]ProcessorStats
	nameOf     map[string]string
	idOf       map[string]string
	failures   []string
}

func (p *player) fail(format string, arguments ...any) {
	p.failures = append(p.failures, fmt.Sprintf(format, arguments...))
}

func (p *player) newFolder() string {
	p.folders++
	folder := filepath.Join(p.folder, strconv.Itoa(p.folders))
	if err := os.Mkdir(folder, 0o700); err != nil {
		panic(err)
	}
	return folder
}

// play plays a whole scenario and tells what was not as it says. A refusal is a failure, too. `buffer`: as many bytes of
// attributes may wait in Go.
func play(scenario any, folder string, buffer int) (failures []string) {
	p := &player{folder: folder, buffer: buffer, handles: map[string]any{}, collectors: map[string]*collector{},
		counts: map[string]ProcessorStats{}, nameOf: map[string]string{}, idOf: map[string]string{}}
	defer func() {
		_ = within(Shutdown)
		if refused := recover(); refused != nil {
			failures = append(p.failures, fmt.Sprint(refused))
		}
	}()
	f := object(scenario, "the scenario")
	f.text("shows")
	for _, need := range f.list("needs") {
		indexOf(as[string](need, "a need"), needs)
	}
	p.config = as[map[string]any](f.or("config", map[string]any{}), "config")
	processors := as[[]any](f.or("processors", []any{map[string]any{"as": "p"}}), "processors")
	steps, expect := f.list("steps"), object(f.take("expect"), "the expectation")
	f.finish()
	if err := p.init(); err != nil {
		return []string{err.Error()}
	}
	for _, each := range processors {
		step := object(each, "a processor")
		step.left["do"] = "add_processor"
		p.step(step.left)
	}
	for _, each := range steps {
		p.step(each)
	}
	if p.alive {
		if err := within(Flush); err != nil {
			p.fail("the last flush: %v", err)
		}
		if err := p.shutdown(); err != nil {
			p.fail("the end: %v", err)
		}
	}
	p.compare(expect)
	return p.failures
}

func (p *player) step(given any) {
	p.lock.Lock()
	defer p.lock.Unlock()
	f := object(given, fmt.Sprint("step ", given))
	what := f.text("do")
	switch what {
	case "trace_start":
		p.started(f, p.startTrace(f))
	case "span_start":
		p.started(f, p.startSpan(f))
	case "run_start":
		p.started(f, p.startRun(f))
	case "inject":
		p.inject(f)
	default:
		p.result(f, what)
	}
	f.finish()
}

// result makes the step without the lock, for hooks that make steps meanwhile.
func (p *player) result(f *fields, what string) {
	if what == "trace_end" {
		p.handOver()
	}
	waits := slices.Contains([]string{"wait", "ack", "flush", "shutdown", "init"}, what)
	if waits {
		p.lock.Unlock()
	}
	err := p.say(what, f)
	if waits {
		p.lock.Lock()
	}
	expected := f.or("returns", "TR_OK")
	indexOf(as[string](expected, "returns"), codeNames)
	if err != errUnseen && nameOfError(err) != expected {
		p.fail("%s: %s and not %v", f.what, nameOfError(err), expected)
	}
}

// handOver is what a program does for spans that may never be ended.
func (p *player) handOver() {
	for _, each := range p.handles {
		if span, ok := each.(*Span); ok {
			span.Flush()
		}
	}
}

func (p *player) started(f *fields, handle interface{ Recording() bool }) {
	name, expected := f.text("as"), f.or("returns", "handle")
	if indexOf(as[string](expected, "returns"), []string{"handle", "none"}) == 0 != handle.Recording() {
		p.fail("%s: recording is %v", f.what, handle.Recording())
	}
	if _, twice := p.handles[name]; twice || name == "0" || name == "invented" {
		refuse("the name %s is given twice", name)
	}
	p.handles[name] = handle
	switch started := handle.(type) {
	case *Span:
		p.bind(name, started.SpanID())
	case *Trace:
		p.bind(name, started.TraceID())
	}
}

func (p *player) playInside(steps []any) {
	for _, each := range steps {
		p.step(each)
	}
}

func (p *player) init() error {
	options := []Option{WithDirectory(p.newFolder()), WithProcessors(), WithLogLevel(LogOff),
		WithAttributeBuffer(p.buffer), WithLogger(slog.New(slog.DiscardHandler))}
	f := object(p.config, "config")
	for name := range p.config {
		options = append(options, configured(name, f.take(name))...)
	}
	err := Init(options...)
	if !errors.Is(err, ErrReentrant) {
		p.alive = err == nil
	}
	return err
}

func configured(name string, given any) []Option {
	texts := func() []string { return each(given, func(one any) string { return as[string](one, name) }) }
	when := func(value bool, option Option) []Option {
		if value {
			return []Option{option}
		}
		return nil
	}
	switch name {
	case "content":
		return when(given == "off", WithoutContent())
	case "max_value_bytes":
		return []Option{WithMaxValueBytes(uint64(integer(given)))}
	case "max_attributes":
		return []Option{WithMaxAttributes(uint32(integer(given)))}
	case "max_memory":
		return []Option{WithMaxMemory(uint64(integer(given)))}
	case "sample_ratio":
		return []Option{WithSampleRatio(float(given))}
	case "redact_keys":
		return []Option{WithRedactKeys(texts()...)}
	case "redact_patterns":
		return []Option{WithRedactPatterns(texts()...)}
	case "default_redaction":
		return when(!as[bool](given, name), WithoutDefaultRedaction())
	case "disabled":
		return when(as[bool](given, name), WithDisabled())
	case "end_grace_ms":
		return []Option{WithEndGrace(time.Duration(integer(given)) * time.Millisecond)}
	case "durability":
		return []Option{WithDurability(Durability(1 + indexOf(as[string](given, name), []string{"memory", "log", "fsync"})))}
	case "recorder":
		return when(given == "memory", WithRecorderInMemory())
	}
	refuse("the unknown setting %s", name)
	return nil
}

func (p *player) shutdown() error {
	err := within(Shutdown)
	if errors.Is(err, ErrReentrant) { // in a hook, and nothing has ended
		return err
	}
	for name, each := range p.collectors {
		if counts, err := each.id.Stats(); err == nil {
			p.counts[name] = counts
		}
	}
	p.alive = false
	return err
}

// ---- comparing ----

func (p *player) compare(expect *fields) {
	deliveries := object(expect.take("deliveries"), "the deliveries")
	for name := range p.collectors {
		p.compareDeliveries(name, as[[]any](deliveries.take(name), "deliveries"))
	}
	deliveries.finish()
	processors := object(expect.or("processors", map[string]any{}), "the counts of processors")
	for name := range as[map[string]any](processors.left, "") {
		counts, ok := p.counts[name]
		if !ok {
			refuse("there are no counts of %s", name)
		}
		p.compareCounts(name, processors.left[name], reflect.ValueOf(counts))
	}
	p.compareCounts("stats", expect.or("stats", map[string]any{}), reflect.ValueOf(GetStats()))
	expect.finish()
}

func (p *player) compareDeliveries(name string, expected []any) {
	taken := p.collectors[name].taken
	for i := range max(len(taken), len(expected)) {
		switch {
		case i >= len(taken):
			p.fail("%s misses %v", name, expected[i])
		case i >= len(expected):
			p.fail("%s has %+v beyond", name, taken[i])
		default:
			wanted := expectedForm(expected[i])
			if found := p.recordForm(&taken[i], wanted); !same(wanted, found) {
				p.fail("%s, record %d:\n  wanted %v\n  found  %v", name, i, wanted, found)
			}
			p.always(name, taken, i)
		}
	}
	counts, ok := p.counts[name]
	if !ok {
		return // it was never added
	}
	sum := Tally{}
	for _, each := range []Tally{counts.Delivered, counts.Rejected, counts.Poisoned, counts.Removed, counts.Overflowed,
		counts.Unreadable, counts.LeftBehind, counts.Pending} {
		sum.Records += each.Records
		sum.Spans += each.Spans
	}
	if sum != counts.Offered {
		p.fail("%s: the law does not hold: %+v", name, counts)
	}
}

// always checks what holds for every record.
func (p *player) always(name string, taken []Record, i int) {
	r := &taken[i]
	kind := recordNames[r.Type]
	if i > 0 && r.Sequence <= taken[i-1].Sequence && p.folders == 1 {
		p.fail("%s: sequence %d after %d", name, r.Sequence, taken[i-1].Sequence)
	}
	if r.StartNS <= 0 || (kind == "span_start" || kind == "trace_start") && r.EndNS != 0 ||
		(kind == "span_end" || kind == "trace_end") && r.EndNS < r.StartNS {
		p.fail("%s: times %d and %d of a %s", name, r.StartNS, r.EndNS, kind)
	}
}

// compareCounts compares the members that are named, by the names of the C API.
func (p *player) compareCounts(what string, expected any, found reflect.Value) {
	for name, value := range as[map[string]any](expected, what) {
		var member strings.Builder
		for _, word := range strings.Split(name, "_") {
			member.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		count := found.FieldByName(member.String())
		if !count.IsValid() {
			refuse("%s has no count %s", what, name)
		}
		if count.Kind() == reflect.Struct {
			p.compareCounts(what+"."+name, value, count)
			continue
		}
		shown := fmt.Sprint(count.Interface())
		if count.Kind() == reflect.Bool {
			shown = fmt.Sprint(Bool("", count.Bool()).Value.Int()) // a number in C
		}
		if shown != fmt.Sprint(value) {
			p.fail("%s.%s is %s and not %v", what, name, shown, value)
		}
	}
}

// ---- the tests ----

func scenarios(t *testing.T) map[string]any {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(conformance, "scenarios", "*.json"))
	found := map[string]any{}
	for _, file := range files {
		scenario, err := readJSON(file)
		if err != nil {
			t.Fatal(file, err)
		}
		found[strings.TrimSuffix(filepath.Base(file), ".json")] = scenario
	}
	if len(found) == 0 {
		t.Fatal("there are no scenarios")
	}
	return found
}

// reason says why a scenario cannot be played, if so.
func reason(scenario any) string {
	for _, need := range object(scenario, "the scenario").list("needs") {
		if why, ok := cannot[fmt.Sprint(need)]; ok {
			return why
		}
	}
	return ""
}

func TestScenarios(t *testing.T) {
	all := scenarios(t)
	var skipped []string
	for name, scenario := range all {
		if reason(scenario) != "" {
			skipped = append(skipped, name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			for _, buffer := range []int{defaultBuffer, 0} {
				for _, failure := range play(scenario, t.TempDir(), buffer) {
					t.Errorf("with a buffer of %d bytes: %s", buffer, failure)
				}
			}
		})
	}
	listed, _ := os.ReadFile(filepath.Join(conformance, "skips", "go.txt"))
	slices.Sort(skipped)
	if !slices.Equal(strings.Fields(string(listed)), skipped) {
		t.Errorf("skips/go.txt lists %s, but skipped are %v", listed, skipped)
	}
}

// TestAlteredScenarios is the control: a scenario that says something else fails.
func TestAlteredScenarios(t *testing.T) {
	all := scenarios(t)
	found, err := readJSON(filepath.Join(conformance, "alterations.json"))
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, given := range as[[]any](found, "alterations") {
		f := object(given, "an alteration")
		name, at, sees := f.text("scenario"), f.text("at"), f.textOr("sees")
		if reason(all[name]) != "" || sees == "results" {
			continue
		}
		played++
		scenario := alter(copied(all[name]), strings.Split(at, "/")[1:], f)
		if failures := play(scenario, t.TempDir(), defaultBuffer); len(failures) == 0 {
			t.Errorf("%s passes with another %s", name, at)
		}
	}
	if played < 30 {
		t.Error("only", played, "were played")
	}
}

func copied(scenario any) (copy any) {
	text, _ := json.Marshal(scenario)
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&copy); err != nil {
		panic(err)
	}
	return copy
}

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// alter replaces, adds or removes what a JSON pointer leads to.
func alter(in any, path []string, f *fields) any {
	if len(path) == 0 {
		return f.take("value")
	}
	step := unescape.Replace(path[0])
	remove := len(path) == 1 && f.flag("remove")
	if list, ok := in.([]any); ok {
		i := len(list)
		if step != "-" {
			i, _ = strconv.Atoi(step)
		}
		if remove {
			return slices.Delete(list, i, i+1)
		}
		if i == len(list) {
			list = append(list, nil)
		}
		list[i] = alter(list[i], path[1:], f)
		return list
	}
	members, ok := in.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	if remove {
		delete(members, step)
		return members
	}
	members[step] = alter(members[step], path[1:], f)
	return members
}
