package trunkline

// JSON of anything: what JSON cannot say, such as a channel or not-a-number, does not take what is around it along.

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Of a value that is taken apart, which a caller waits for.
const (
	maxParts = 10_000
	maxDepth = 32
)

// jsonValue never fails: a tracer does not fail the agent it watches.
func jsonValue(value any) Value {
	text, err := encode(value)
	if err == nil {
		return listValue(TypeJSON, text)
	}
	rest := salvage{left: maxParts}
	kept := rest.opened(reflect.ValueOf(value), err, maxDepth)
	if words, ok := kept.(string); ok {
		return textValue(TypeString, words)
	}
	if text, err = encode(kept); err != nil {
		return textValue(TypeString, unsaid(value, err))
	}
	return listValue(TypeJSON, text)
}

var errPanic = errors.New("panicked") // in the value's own code

func encode(value any) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	var to bytes.Buffer
	encoder := json.NewEncoder(&to)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(value)
	return bytes.TrimSuffix(to.Bytes(), []byte("\n")), err
}

// unsaid is what stands for a value that JSON refused.
func unsaid(value any, err error) string {
	if errors.Is(err, errPanic) {
		return fmt.Sprintf("<%T>", value)
	}
	return fmt.Sprintf("<%T: %v>", value, err)
}

// A salvage keeps the parts of a value that JSON can say.
type salvage struct{ left int }

func (s *salvage) part(v reflect.Value, depth int) any {
	if !v.IsValid() {
		return nil
	}
	s.left--
	text, err := encode(v.Interface())
	if err == nil {
		return json.RawMessage(text)
	}
	return s.opened(v, err, depth)
}

// opened is a value that JSON refuses, taken apart; a text when it has no parts.
func (s *salvage) opened(v reflect.Value, err error, depth int) any {
	if depth == 0 || partsOf(v) > s.left || isClosed(v.Interface()) || isCycle(err) {
		return unsaid(v.Interface(), err)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return s.part(v.Elem(), depth-1)
	case reflect.Map:
		members := make(map[string]any, v.Len())
		for each := v.MapRange(); each.Next(); {
			members[fmt.Sprint(each.Key())] = s.part(each.Value(), depth-1)
		}
		return members
	case reflect.Slice, reflect.Array:
		elements := make([]any, v.Len())
		for i := range elements {
			elements[i] = s.part(v.Index(i), depth-1)
		}
		return elements
	case reflect.Struct:
		return s.members(v, depth)
	case reflect.Float32, reflect.Float64:
		return fmt.Sprint(v.Float())
	}
	return unsaid(v.Interface(), err)
}

func partsOf(v reflect.Value) int {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array:
		return v.Len()
	case reflect.Struct:
		return v.NumField()
	}
	return 0
}

func (s *salvage) members(v reflect.Value, depth int) any {
	members := map[string]any{}
	for _, field := range reflect.VisibleFields(v.Type()) {
		tag := field.Tag.Get("json")
		if !field.IsExported() || field.Anonymous || tag == "-" {
			continue
		}
		value, err := v.FieldByIndexErr(field.Index)
		if err != nil { // of a nil pointer to an embedded struct
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		if name == "" {
			name = field.Name
		}
		members[name] = s.part(value, depth-1)
	}
	return members
}

// isClosed tells of types that decide themselves what they show.
func isClosed(value any) bool {
	switch value.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

func isCycle(err error) bool {
	var unsupported *json.UnsupportedValueError
	return errors.As(err, &unsupported) && strings.Contains(unsupported.Str, "cycle")
}
