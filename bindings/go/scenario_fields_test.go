package trunkline

// Objects of the scenarios, which are taken apart member by member, so that what is not known is refused.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

type fields struct {
	what string
	left map[string]any
}

func object(given any, what string) *fields {
	members, ok := given.(map[string]any)
	if !ok {
		panic(refusal(what + " is no object"))
	}
	copied := make(map[string]any, len(members))
	for key, value := range members {
		copied[key] = value
	}
	return &fields{what, copied}
}

// A refusal is a scenario that this runner does not understand.
type refusal string

func refuse(format string, arguments ...any) { panic(refusal(fmt.Sprintf(format, arguments...))) }

func (f *fields) has(name string) bool { _, ok := f.left[name]; return ok }

func (f *fields) take(name string) any {
	value, ok := f.left[name]
	if !ok {
		refuse("%s has no %s", f.what, name)
	}
	delete(f.left, name)
	return value
}

func (f *fields) or(name string, otherwise any) any {
	if !f.has(name) {
		return otherwise
	}
	return f.take(name)
}

func as[T any](value any, what string) T {
	typed, ok := value.(T)
	if !ok {
		refuse("%s: %v is a %T", what, value, value)
	}
	return typed
}

func (f *fields) text(name string) string { return as[string](f.take(name), f.what) }
func (f *fields) textOr(name string) string {
	return as[string](f.or(name, ""), f.what)
}
func (f *fields) list(name string) []any { return as[[]any](f.or(name, []any(nil)), f.what) }
func (f *fields) flag(name string) bool  { return as[bool](f.or(name, false), f.what) }
func (f *fields) number(name string, otherwise int64) int64 {
	if !f.has(name) {
		return otherwise
	}
	return integer(f.take(name))
}
func (f *fields) attrs(name string) []Attr {
	var attrs []Attr
	members := as[map[string]any](f.or(name, map[string]any(nil)), f.what)
	keys := make([]string, 0, len(members))
	for key := range members {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		attrs = append(attrs, Attr{key, valueOf(members[key])})
	}
	return attrs
}

func (f *fields) finish() {
	for name := range f.left {
		refuse("%s has the unknown member %s", f.what, name)
	}
}

func integer(given any) int64 {
	number, err := strconv.ParseInt(string(as[json.Number](given, "a number")), 10, 64)
	if err != nil {
		refuse("%v is no integer", given)
	}
	return number
}

func float(given any) float64 {
	switch g := given.(type) {
	case json.Number:
		number, err := g.Float64()
		if err == nil {
			return number
		}
	case string:
		switch g {
		case "nan":
			return math.NaN()
		case "inf", "-inf", "-0":
			number, _ := strconv.ParseFloat(g, 64)
			return number
		}
	}
	refuse("%v is no number", given)
	return 0
}

func exact(number float64) string {
	if math.IsNaN(number) {
		return "nan"
	}
	return strconv.FormatFloat(number, 'g', -1, 64)
}

func each[T any](given any, convert func(any) T) []T {
	list := []T{}
	for _, one := range as[[]any](given, "a list") {
		list = append(list, convert(one))
	}
	return list
}

func decoded(given any) []byte {
	data, err := base64.StdEncoding.DecodeString(as[string](given, "base64"))
	if err != nil {
		refuse("%v is not base64", given)
	}
	return data
}

// valueOf reads a value of a step.
func valueOf(given any) Value {
	f := object(given, "a value")
	times := int(f.number("repeat", 1))
	if len(f.left) != 1 {
		refuse("a value has one type: %v", given)
	}
	for kind, content := range f.left {
		switch kind {
		case "null":
			return Value{}
		case "bool":
			return AnyValue(as[bool](content, kind))
		case "i64":
			return AnyValue(integer(content))
		case "f64":
			return AnyValue(float(content))
		case "str":
			return AnyValue(strings.Repeat(as[string](content, kind), times))
		case "str_base64":
			return AnyValue(string(decoded(content)))
		case "bytes":
			return AnyValue(slices.Repeat(decoded(content), times))
		case "json":
			return RawJSON("", strings.Repeat(as[string](content, kind), times)).Value
		case "bools":
			return AnyValue(each(content, func(one any) bool { return as[bool](one, kind) }))
		case "i64s":
			return AnyValue(each(content, integer))
		case "f64s":
			return AnyValue(each(content, float))
		case "strs":
			return AnyValue(each(content, func(one any) string { return as[string](one, kind) }))
		}
		refuse("a value of the unknown type %s", kind)
	}
	return Value{}
}

func readJSON(path string) (any, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	var found any
	return found, decoder.Decode(&found)
}
