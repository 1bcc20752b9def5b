package trunkline

// Attributes as one run of bytes, the packed form of trunkline.h: a single pointer crosses to C, whatever its types.

// #include "glue.h"
import "C"

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Keys and texts that do not fit the form are cut; the library refuses keys of this length, and cuts such texts, anyway.
const (
	maxPackedKey  = math.MaxUint16
	maxPackedText = math.MaxUint32
)

// appendAttr packs one attribute. One without a key is none.
func appendAttr(to []byte, attr *Attr) []byte {
	key, value := attr.Key, &attr.Value
	if key == "" {
		return to
	}
	if len(key) > maxPackedKey {
		key = key[:maxPackedKey]
	}
	to = append(to, byte(value.typ), byte(len(key)), byte(len(key)>>8))
	to = append(to, key...)
	switch value.typ {
	case TypeNull:
		return to
	case TypeBool:
		return append(to, byte(value.bits))
	case TypeInt, TypeFloat:
		return binary.LittleEndian.AppendUint64(to, value.bits)
	case TypeString, TypeBytes, TypeJSON:
		return appendText(to, value.raw())
	}
	return appendList(to, value)
}

func appendText(to []byte, text string) []byte {
	if len(text) > maxPackedText {
		text = text[:maxPackedText]
	}
	return append(binary.LittleEndian.AppendUint32(to, uint32(len(text))), text...)
}

func appendList(to []byte, value *Value) []byte {
	to = binary.LittleEndian.AppendUint32(to, uint32(value.size))
	switch value.typ {
	case TypeBools:
		for _, each := range value.Bools() {
			to = append(to, byte(Bool("", each).Value.bits))
		}
	case TypeInts:
		for _, each := range value.Ints() {
			to = binary.LittleEndian.AppendUint64(to, uint64(each))
		}
	case TypeFloats:
		for _, each := range value.Floats() {
			to = binary.LittleEndian.AppendUint64(to, math.Float64bits(each))
		}
	case TypeStrings:
		for _, each := range value.Strings() {
			to = appendText(to, each)
		}
	}
	return to
}

// isText tells whether it is bytes of some kind, which need not be packed.
func (v *Value) isText() bool { return v.typ >= TypeString && v.typ <= TypeJSON }

// A packedList is what the functions of glue.h take as TRGO_ATTRIBUTES.
type packedList struct {
	bytes    []byte
	count    int
	elements int
}

func pack(attrs []Attr) packedList {
	var list packedList
	for i := range attrs {
		if attrs[i].Key == "" {
			continue
		}
		list.count++
		list.bytes = appendAttr(list.bytes, &attrs[i])
		if attrs[i].Value.typ > TypeJSON {
			list.elements += attrs[i].Value.size
		}
	}
	return list
}

func (l packedList) data() *C.char {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(l.bytes)))
}

func (l packedList) size() C.size_t          { return C.size_t(len(l.bytes)) }
func (l packedList) attributes() C.size_t    { return C.size_t(l.count) }
func (l packedList) arrayElements() C.size_t { return C.size_t(l.elements) }

// text is a string's memory, which the library borrows for one call.
func text(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}
