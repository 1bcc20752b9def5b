package trunkline

// Records as JSON, for processors that send or write them.

import (
	"encoding/json"
	"math"
)

// MarshalJSON is the record by the names of its fields.
func (r Record) MarshalJSON() ([]byte, error) {
	type plain Record
	said := struct {
		plain
		Score Value // which JSON cannot say when it is absent
	}{plain: plain(r)}
	if !math.IsNaN(r.Score) || r.ScoreName != "" {
		said.Score = AnyValue(r.Score)
	}
	return json.Marshal(said)
}

// MarshalJSON is the value itself: bytes as base64, not-a-number and infinities as texts.
func (v Value) MarshalJSON() ([]byte, error) {
	made := jsonValue(v.Any())
	if made.typ == TypeString {
		return encode(made.Text())
	}
	return []byte(made.Text()), nil
}

// MarshalText is the id in hexadecimal digits; empty when there is none.
func (id TraceID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// MarshalText is the id in hexadecimal digits; empty when there is none.
func (id SpanID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}
