package trunkline

// The form in which a delivered record is compared with what a scenario expects.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
)

type form = map[string]any

var recordNames = map[RecordType]string{RecordTraceStart: "trace_start", RecordSpanStart: "span_start",
	RecordSpanEnd: "span_end", RecordTraceEnd: "trace_end", RecordEvent: "event", RecordRunStart: "run_start",
	RecordRunLog: "run_log", RecordRunSummary: "run_summary", RecordRunConfig: "run_config", RecordRunTag: "run_tag",
	RecordRunFinish: "run_finish", RecordRunArtifact: "run_artifact",
	RecordRunAddArtifact: "run_add_artifact", RecordRunUseArtifact: "run_use_artifact", RecordRunMedia: "run_media"}

var (
	valueNames  = []string{"null", "bool", "i64", "f64", "str", "bytes", "json", "bools", "i64s", "f64s", "strs"}
	valueFlags  = []string{"truncated", "redacted", "invalid_json", "repaired"}
	recordFlags = []string{"incomplete", "failed", "time_clamped", "recovered"}
	statusNames = []string{"finished", "failed", "killed"}
	mediaNames  = []string{"", "image", "html"}
	usageNames  = []string{"input", "output", "total", "cache_read", "cache_write", "reasoning"}
)

func bits(set uint32, names []string) (found []any) {
	for i, name := range names {
		if set>>i&1 != 0 {
			found = append(found, name)
		}
	}
	return found
}

func valueForm(value Value) form {
	var content any
	switch value.Type() {
	case TypeNull:
	case TypeBool:
		content = value.Bool()
	case TypeInt:
		content = fmt.Sprint(value.Int())
	case TypeFloat:
		content = exact(value.Float())
	case TypeString:
		content = value.Text()
	case TypeBytes:
		content = base64.StdEncoding.EncodeToString(value.Bytes())
	case TypeJSON:
		content = meaning(value.Text())
	case TypeFloats:
		list := []any{}
		for _, one := range value.Floats() {
			list = append(list, exact(one))
		}
		content = list
	default:
		content = fmt.Sprintf("%q", value.Any())
	}
	found := form{valueNames[value.Type()]: content}
	if flags := bits(value.Flags(), valueFlags); flags != nil {
		found["flags"] = flags
	}
	return found
}

// meaning is JSON without its notation.
func meaning(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var found any
	if err := decoder.Decode(&found); err != nil {
		return "no JSON: " + text
	}
	return found
}

func expectedValue(given any) form {
	f := object(given, "a value")
	if f.has("any") {
		return form{"any": f.take("any")}
	}
	flags := f.or("flags", nil)
	found := valueForm(valueOf(f.left))
	if flags != nil {
		found["flags"] = flags
	}
	return found
}

func attributesForm(attrs []Attr) form {
	found := form{}
	for _, attr := range attrs {
		found[attr.Key] = valueForm(attr.Value)
	}
	return found
}

// forgetPlaces leaves out what of the files of an artifact depends on the machine; it must be there.
func forgetPlaces(attributes form) {
	files, _ := attributes["files"].(form)
	list, _ := files["json"].([]any)
	for _, each := range list {
		file, _ := each.(map[string]any)
		_, hasFile := file["file"]
		_, hasTime := file["modified_ns"]
		if hasFile && hasTime {
			delete(file, "file")
			delete(file, "modified_ns")
		}
	}
}

func (f *player) recordForm(r *Record, wanted form) form {
	name := recordNames[r.Type]
	found := form{"type": name, "name": r.Name, "group_id": r.Group, "project": r.Project, "foreign_id": r.ForeignID,
		"model": r.Model, "score_name": r.ScoreName, "error_type": r.ErrorType, "error_message": r.ErrorMessage}
	for key, text := range found {
		if text == "" {
			delete(found, key)
		}
	}
	f.showID(found, "trace", r.TraceID.String(), r.TraceID.IsZero(), wanted)
	f.showID(found, "parent", r.ParentID.String(), r.ParentID.IsZero(), wanted)
	if strings.HasPrefix(name, "span_") {
		f.showID(found, "span", r.SpanID.String(), false, wanted)
		found["kind"] = r.Kind.String()
	}
	if strings.HasPrefix(name, "run_") {
		f.showID(found, "run", r.SpanID.String(), false, wanted)
	}
	if flags := bits(uint32(r.Flags), recordFlags); flags != nil {
		found["flags"] = flags
	}
	if !math.IsNaN(r.Score) || r.ScoreName != "" {
		found["score"] = exact(r.Score)
	}
	if r.Step != Unknown {
		found["step"] = fmt.Sprint(r.Step)
	}
	f.contents(found, r)
	if r.Type == RecordRunFinish {
		found["run_status"], found["exit_code"] = statusNames[r.RunStatus], fmt.Sprint(r.ExitCode)
	}
	for name, time := range map[string]int64{"start_ns": r.StartNS, "end_ns": r.EndNS} {
		if _, ok := wanted[name]; ok {
			found[name] = fmt.Sprint(time)
		}
	}
	return found
}

func (f *player) contents(found form, r *Record) {
	if r.Input.Type() != TypeNull {
		found["input"] = valueForm(r.Input)
	}
	if r.Output.Type() != TypeNull {
		found["output"] = valueForm(r.Output)
	}
	usage := form{}
	counts := []int64{r.Usage.Input, r.Usage.Output, r.Usage.Total, r.Usage.CacheRead, r.Usage.CacheWrite,
		r.Usage.Reasoning}
	for i, count := range counts {
		if count != Unknown {
			usage[usageNames[i]] = fmt.Sprint(count)
		}
	}
	if len(usage) > 0 {
		found["usage"] = usage
	}
	if len(r.Attributes) > 0 {
		attributes := attributesForm(r.Attributes)
		if r.Type == RecordRunAddArtifact {
			forgetPlaces(attributes)
		}
		found["attributes"] = attributes
	}
	var events []any
	for _, event := range r.Events {
		one := form{"name": event.Name}
		if len(event.Attributes) > 0 {
			one["attributes"] = attributesForm(event.Attributes)
		}
		events = append(events, one)
	}
	if events != nil {
		found["events"] = events
	}
	if r.DroppedAttributes > 0 {
		found["dropped_attributes"] = fmt.Sprint(r.DroppedAttributes)
	}
}

var someID = regexp.MustCompile("^([0-9a-f]{16}|[0-9a-f]{32})$")

// showID writes an id down by the name that stands for it; a name that is new stands for it from now on.
func (f *player) showID(found form, member, id string, none bool, wanted form) {
	if none {
		return
	}
	name, _ := wanted[member].(string)
	if name != "" && !someID.MatchString(name) {
		f.bind(name, id)
	}
	if known, ok := f.nameOf[id]; ok && !someID.MatchString(name) {
		id = known
	}
	found[member] = id
}

func (f *player) bind(name, id string) {
	_, known := f.nameOf[id]
	if _, given := f.idOf[name]; !known && !given && id != "" {
		f.nameOf[id], f.idOf[name] = name, id
	}
}

func expectedForm(given any) form {
	found := form{}
	for name, value := range as[map[string]any](given, "a record") {
		switch name {
		case "input", "output":
			value = expectedValue(value)
		case "score":
			value = exact(float(value))
		case "attributes":
			value = expectedAttributes(value)
		case "events":
			value = each(value, expectedEvent)
		case "usage":
			counts := form{}
			for key, count := range as[map[string]any](value, name) {
				counts[key] = fmt.Sprint(count)
			}
			value = counts
		case "step", "exit_code", "dropped_attributes", "start_ns", "end_ns":
			value = fmt.Sprint(value)
		}
		found[name] = value
	}
	return found
}

func expectedEvent(given any) any {
	event := form{}
	for name, value := range as[map[string]any](given, "an event") {
		if name == "attributes" {
			value = expectedAttributes(value)
		}
		event[name] = value
	}
	return event
}

func expectedAttributes(given any) form {
	found := form{}
	for key, value := range as[map[string]any](given, "attributes") {
		found[key] = expectedValue(value)
	}
	return found
}

// same compares; {"any": type} fits every value of the type.
func same(expected, actual any) bool {
	switch e := expected.(type) {
	case form:
		a, ok := actual.(form)
		if kind, wild := e["any"].(string); wild && len(e) == 1 {
			_, fits := a[kind]
			return ok && fits
		}
		if !ok || len(a) != len(e) {
			return false
		}
		for key := range e {
			if there, ok := a[key]; !ok || !same(e[key], there) {
				return false
			}
		}
		return true
	case []any:
		a, ok := actual.([]any)
		if !ok || len(a) != len(e) {
			return false
		}
		for i := range e {
			if !same(e[i], a[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(expected, actual)
}
