package trunkline

// Values and attributes: small structs without an interface in them, so that making one allocates nothing.

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"unsafe"
)

// A ValueType tells what a Value holds. The numbers are those of the library.
type ValueType uint32

const (
	TypeNull ValueType = iota
	TypeBool
	TypeInt
	TypeFloat
	TypeString
	TypeBytes
	TypeJSON // JSON text
	TypeBools
	TypeInts
	TypeFloats
	TypeStrings
)

// Flags of a value that was delivered to a processor.
const (
	ValueTruncated   = 1 // cut at the limit
	ValueRedacted    = 2 // replaced, wholly or in part
	ValueInvalidJSON = 4 // was passed as JSON and is not
	ValueRepaired    = 8 // was not UTF-8
)

// A Value is a scalar, text, bytes, JSON text or a list of scalars of one type. The zero Value is null.
type Value struct {
	data  unsafe.Pointer // of text, and of lists
	size  int            // its bytes, or elements
	bits  uint64         // of scalars
	typ   ValueType
	flags uint32
}

// An Attr is a key and a value: an attribute of a span, metadata of a trace, a metric of a run. It is an option of
// [Start] and [StartTrace], too.
type Attr struct {
	Key   string
	Value Value
}

func (Attr) startOption() {}
func (Attr) traceOption() {}

func textValue(typ ValueType, text string) Value {
	return Value{data: unsafe.Pointer(unsafe.StringData(text)), size: len(text), typ: typ}
}

func listValue[T any](typ ValueType, list []T) Value {
	return Value{data: unsafe.Pointer(unsafe.SliceData(list)), size: len(list), typ: typ}
}

// String is a text attribute.
func String(key, value string) Attr { return Attr{key, textValue(TypeString, value)} }

// Int is an integer attribute.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32](key string, value T) Attr {
	return Attr{key, Value{bits: uint64(int64(value)), typ: TypeInt}}
}

// Float is an attribute that is a number; not-a-number is kept.
func Float(key string, value float64) Attr {
	return Attr{key, Value{bits: math.Float64bits(value), typ: TypeFloat}}
}

// Bool is an attribute that is true or false.
func Bool(key string, value bool) Attr {
	var bits uint64
	if value {
		bits = 1
	}
	return Attr{key, Value{bits: bits, typ: TypeBool}}
}

// Null is an attribute without a value.
func Null(key string) Attr { return Attr{Key: key} }

// Bytes is an attribute of bytes, which must not change until it is recorded.
func Bytes(key string, value []byte) Attr { return Attr{key, listValue(TypeBytes, value)} }

// RawJSON is an attribute of JSON text. Text that does not parse is kept as a string and flagged.
func RawJSON(key, text string) Attr { return Attr{key, textValue(TypeJSON, text)} }

// JSON is an attribute that is anything, as JSON. Parts that JSON cannot say become texts that tell their type.
func JSON(key string, value any) Attr { return Attr{key, jsonValue(value)} }

// Strings is an attribute that is a list of texts. Lists must not change until they are recorded.
func Strings(key string, values []string) Attr { return Attr{key, listValue(TypeStrings, values)} }

// Ints is an attribute that is a list of integers.
func Ints(key string, values []int64) Attr { return Attr{key, listValue(TypeInts, values)} }

// Floats is an attribute that is a list of numbers.
func Floats(key string, values []float64) Attr { return Attr{key, listValue(TypeFloats, values)} }

// Bools is an attribute that is a list of truth values.
func Bools(key string, values []bool) Attr { return Attr{key, listValue(TypeBools, values)} }

// Any is an attribute of the type that fits the value: an error is its message, and what is neither a scalar nor a list of
// scalars becomes JSON.
func Any(key string, value any) Attr { return Attr{key, AnyValue(value)} }

// Attrs makes attributes of a map, in the order of its keys.
func Attrs(values map[string]any) []Attr {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	attrs := make([]Attr, 0, len(keys))
	for _, key := range keys {
		attrs = append(attrs, Any(key, values[key]))
	}
	return attrs
}

// ---- reading ----

// Type tells what the value holds.
func (v Value) Type() ValueType { return v.typ }

// Flags are ValueTruncated and so on.
func (v Value) Flags() uint32 { return v.flags }

// Text is the text of a string or of JSON; empty for others.
func (v Value) Text() string {
	if v.typ != TypeString && v.typ != TypeJSON {
		return ""
	}
	return v.raw()
}

func (v Value) raw() string { return unsafe.String((*byte)(v.data), v.size) }

// Int is the number of an integer, or 0 or 1 for a truth value; 0 for others.
func (v Value) Int() int64 {
	if v.typ != TypeInt && v.typ != TypeBool {
		return 0
	}
	return int64(v.bits)
}

// Float is the number, of an integer, too; 0 for others.
func (v Value) Float() float64 {
	switch v.typ {
	case TypeFloat:
		return math.Float64frombits(v.bits)
	case TypeInt:
		return float64(int64(v.bits))
	}
	return 0
}

// Bool is the truth value; false for others.
func (v Value) Bool() bool { return v.typ == TypeBool && v.bits != 0 }

func listOf[T any](v Value, typ ValueType) []T {
	if v.typ != typ {
		return nil
	}
	return unsafe.Slice((*T)(v.data), v.size)
}

// Bytes are the bytes; nil for others.
func (v Value) Bytes() []byte { return listOf[byte](v, TypeBytes) }

// Strings are the elements of a list of texts; nil for others.
func (v Value) Strings() []string { return listOf[string](v, TypeStrings) }

// Ints are the elements of a list of integers; nil for others.
func (v Value) Ints() []int64 { return listOf[int64](v, TypeInts) }

// Floats are the elements of a list of numbers; nil for others.
func (v Value) Floats() []float64 { return listOf[float64](v, TypeFloats) }

// Bools are the elements of a list of truth values; nil for others.
func (v Value) Bools() []bool { return listOf[bool](v, TypeBools) }

// Any is the value as the Go type that fits; JSON as json.RawMessage.
func (v Value) Any() any {
	switch v.typ {
	case TypeBool:
		return v.Bool()
	case TypeInt:
		return v.Int()
	case TypeFloat:
		return v.Float()
	case TypeString:
		return v.Text()
	case TypeBytes:
		return v.Bytes()
	case TypeJSON:
		return json.RawMessage(v.Text())
	case TypeBools:
		return v.Bools()
	case TypeInts:
		return v.Ints()
	case TypeFloats:
		return v.Floats()
	case TypeStrings:
		return v.Strings()
	}
	return nil
}

func (v Value) String() string {
	if v.typ == TypeString || v.typ == TypeJSON {
		return v.Text()
	}
	return fmt.Sprint(v.Any())
}
