package trunkline

import (
	"context"
	"encoding/json"
	"math"
	"testing"
)

func TestRecordsAsJSON(t *testing.T) {
	kept := session(t)
	ctx, trace := StartTrace(context.Background(), "trace")
	_, span := Start(ctx, "span", KindTool, String("text", "<a>"), Float("none", math.NaN()), RawJSON("json", `{"a":1}`),
		Bytes("bytes", []byte{255}), Strings("list", []string{"x"}), Null("null"))
	span.SetInput("in")
	span.Event("event", Int("n", 1))
	span.End()
	trace.End()
	text, err := json.Marshal(kept.span(t, "span"))
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		TraceID, SpanID, ParentID, Name string
		Input, Score                    any
		Attributes                      []struct {
			Key   string
			Value any
		}
		Events []struct{ Name string }
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for _, each := range read.Attributes {
		values[each.Key] = each.Value
	}
	said, _ := json.Marshal(values)
	expect(t, "the attributes", string(said),
		`{"bytes":"/w==","json":{"a":1},"list":["x"],"none":"NaN","null":null,"text":"\u003ca\u003e"}`)
	if read.TraceID != trace.TraceID() || len(read.SpanID) != 16 || read.ParentID != "" || read.Input != "in" ||
		read.Score != nil || read.Events[0].Name != "event" {
		t.Errorf("%s", text)
	}
}
