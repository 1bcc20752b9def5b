package trunkline

// Values of whatever type a program has: the Value that fits.

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"unicode/utf8"
)

// AnyValue is the Value that fits.
func AnyValue(value any) Value {
	switch v := value.(type) {
	case nil:
		return Value{}
	case Value:
		return v
	case string:
		return textValue(TypeString, v)
	case bool:
		return Bool("", v).Value
	case int:
		return Int("", v).Value
	case int64:
		return Int("", v).Value
	case float64:
		return Float("", v).Value
	case []byte:
		return listValue(TypeBytes, v)
	case json.RawMessage:
		return listValue(TypeJSON, v)
	case []string:
		return listValue(TypeStrings, v)
	case []int:
		return listValue(TypeInts, converted[int64](v))
	case []int64:
		return listValue(TypeInts, v)
	case []float64:
		return listValue(TypeFloats, v)
	case []float32:
		return listValue(TypeFloats, converted[float64](v))
	case []bool:
		return listValue(TypeBools, v)
	}
	if saysItself(value) {
		return textOrJSON(value)
	}
	return kindValue(reflect.ValueOf(value))
}

func converted[To, From int | int64 | float32 | float64](list []From) []To {
	made := make([]To, len(list))
	for i, each := range list {
		made[i] = To(each)
	}
	return made
}

// saysItself tells of types that have their own words for JSON. That of json.Number is a number.
func saysItself(value any) bool {
	switch value.(type) {
	case json.Marshaler, encoding.TextMarshaler, json.Number, error:
		return true
	}
	return false
}

// kindValue is for types that a program has given a name, too.
func kindValue(v reflect.Value) Value {
	switch v.Kind() {
	case reflect.String:
		return textValue(TypeString, v.String())
	case reflect.Bool:
		return Bool("", v.Bool()).Value
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int("", v.Int()).Value
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if v.Uint() <= math.MaxInt64 {
			return Int("", int64(v.Uint())).Value
		}
	case reflect.Float32, reflect.Float64:
		return Float("", v.Float()).Value
	}
	return textOrJSON(v.Interface())
}

// contentValue is what an input or output is: text, or anything else as JSON.
func contentValue(value any) Value {
	switch v := value.(type) {
	case string:
		return textValue(TypeString, v)
	case json.RawMessage:
		return listValue(TypeJSON, v)
	case []byte:
		if utf8.Valid(v) {
			return textValue(TypeString, string(v))
		}
	}
	return textOrJSON(value)
}

// textOrJSON is JSON; what would be no more than a quoted text there is that text, and an error without JSON of its own its
// message.
func textOrJSON(value any) Value {
	if err, ok := value.(error); ok {
		if _, own := value.(json.Marshaler); !own && !isNil(value) {
			return textValue(TypeString, errorMessage(err))
		}
	}
	made := jsonValue(value)
	var text string
	if made.typ == TypeJSON && made.raw()[0] == '"' && json.Unmarshal([]byte(made.raw()), &text) == nil {
		return textValue(TypeString, text)
	}
	return made
}

func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
