package trunkline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"testing"
	"time"
)

type unspeakable struct{}

func (unspeakable) MarshalJSON() ([]byte, error) { panic("no") }

type (
	model string
	level uint8
)

type state struct {
	Question string   `json:"question"`
	Done     chan int `json:"done"`
	Secret   string   `json:"-"`
	Inner    *state   `json:"inner,omitempty"`
	Ratio    float64
	hidden   func()
}

func TestValuesOfAnyType(t *testing.T) {
	kept := session(t)
	_, span := Start(context.Background(), "span", Strings("many", []string{"a", "", "b"}))
	circle := map[string]any{}
	circle["self"] = circle
	span.Set(Attrs(map[string]any{"nil": nil, "uint64": uint64(math.MaxUint64), "struct": struct{ A, B int }{1, 2},
		"html": map[string]string{"a": "<b>&"}, "raw": json.RawMessage(`[1]`), "circle": circle, "panics": unspeakable{},
		"": "no key", "func": func() {}, "f32": float32(0.5), "bytes": []byte{0, 255}})...)
	span.Set(String(strings.Repeat("k", 70_000), "a key that is too long"), String("after", "x"))
	span.End()
	found := kept.span(t, "span")
	for key, wanted := range map[string]string{"nil": "<nil>", "uint64": "18446744073709551615", "struct": `{"A":1,"B":2}`,
		"html": `{"a":"<b>&"}`, "raw": "[1]", "panics": "<trunkline.unspeakable>", "f32": "0.5", "after": "x",
		"many": "[a  b]", "bytes": "[0 255]"} {
		value, ok := found.Attr(key)
		if !ok || value.String() != wanted {
			t.Errorf("%s is %s and not %s", key, value, wanted)
		}
	}
	for key, part := range map[string]string{"circle": "cycle", "func": "func()"} {
		if value, _ := found.Attr(key); !strings.Contains(value.Text(), part) {
			t.Errorf("%s is %s", key, value)
		}
	}
	expect(t, "the number of attributes", len(found.Attributes), 12)
}

func TestTheTypeThatFits(t *testing.T) {
	none := (*fs.PathError)(nil)
	for _, each := range []struct {
		given  any
		typ    ValueType
		wanted string
	}{
		{model("gpt-4o"), TypeString, "gpt-4o"}, {level(3), TypeInt, "3"}, {uint(7), TypeInt, "7"}, {uint64(8), TypeInt, "8"},
		{uint64(1 << 63), TypeJSON, "9223372036854775808"}, {KindTool, TypeInt, "7"}, {2 * time.Second, TypeInt, "2000000000"},
		{[]int{1, 2}, TypeInts, "[1 2]"}, {[]float32{0.5}, TypeFloats, "[0.5]"}, {json.Number("1.5"), TypeJSON, "1.5"},
		{time.Unix(0, 0).UTC(), TypeString, "1970-01-01T00:00:00Z"},
		{errors.New("boom"), TypeString, "boom"}, {fmt.Errorf("in: %w", fs.ErrExist), TypeString, "in: file already exists"},
		{none, TypeJSON, "null"}, {json.RawMessage(nil), TypeJSON, ""}, {[]any{1, "a"}, TypeJSON, `[1,"a"]`},
	} {
		made := AnyValue(each.given)
		if made.Type() != each.typ || made.String() != each.wanted {
			t.Errorf("%T %v is %d %s", each.given, each.given, made.Type(), made)
		}
	}
	for given, wanted := range map[any]string{model("hi"): "hi", 5: "5", errors.New("boom"): "boom"} {
		if made := contentValue(given); made.String() != wanted {
			t.Errorf("%v as an input is %s", given, made)
		}
	}
	if text, raw := contentValue([]byte("hi")), contentValue([]byte{0xff}); text.String() != "hi" || raw.String() != "/w==" {
		t.Error(text, raw)
	}
}

func TestWhatJSONCannotSayTakesNothingAlong(t *testing.T) {
	deep := any(math.NaN())
	for range 2 * maxDepth {
		deep = []any{deep}
	}
	wide := make([]float64, maxParts+1)
	wide[0] = math.Inf(1)
	for _, each := range []struct {
		given  any
		wanted string
	}{
		{map[string]any{"x": math.NaN(), "y": 1}, `{"x":"NaN","y":1}`},
		{[]any{math.Inf(-1), []float64{1, math.Inf(1)}}, `["-Inf",[1,"+Inf"]]`},
		{map[any]any{"a": 1, 2: []int{3}}, `{"2":[3],"a":1}`},
		{map[string]any{"bad": unspeakable{}, "good": "x"}, `{"bad":"<trunkline.unspeakable>","good":"x"}`},
		{&state{Question: "why?", Secret: "hidden", Inner: &state{}, Ratio: 0.5, hidden: func() {}},
			`{"Ratio":0.5,"done":"<chan int: json: unsupported type: chan int>","inner":{"Ratio":0,` +
				`"done":"<chan int: json: unsupported type: chan int>","inner":null,"question":""},"question":"why?"}`},
	} {
		if made := jsonValue(each.given); made.Type() != TypeJSON || made.Text() != each.wanted {
			t.Errorf("%v is %s", each.given, made)
		}
	}
	for _, given := range []any{deep, wide} {
		if made := jsonValue(given); !strings.Contains(made.Text(), "unsupported value") {
			t.Error(made)
		}
	}
}
