package durable_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// withoutEscapes returns what json.Marshal makes of a value, with no more
// escaped than must be.
func withoutEscapes(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), `\ufffd`, "\ufffd")
}

// A line is that of json.Marshal, also if its text is so long that it is quoted
// in pieces.
func TestALineIsThatOfMarshal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "short", strings.Repeat("x", 64<<10), strings.Repeat("<&\"\n", 100_000), strings.Repeat("漢字 ümläut 🚚", 20_000),
		"x" + strings.Repeat("🚚", 100_000), strings.Repeat("\x80", 200_000), "xy" + strings.Repeat("🚚\xf0\x9f", 50_000),
	} {
		for _, r := range []durable.Result{
			{ID: "a<b", Status: durable.ItemSucceeded, Text: text},
			{ID: "b", Status: durable.ItemFailed, Text: text, Error: &sink.RowError{Class: retry.Permanent, Message: "m"}},
			everyMember(t, text),
		} {
			want := withoutEscapes(t, r)
			var got strings.Builder
			if err := r.WriteLine(&got); err != nil || got.String() != want {
				t.Errorf("row %s with %.10q: another line of %d bytes instead of %d, %v", r.ID, text, got.Len(), len(want), err)
			}
			got.Reset()
			r.Response = json.RawMessage(`{"n": 1.0}`)
			if err := r.WriteLine(&got); err != nil || got.String() != strings.TrimSuffix(want, "}\n")+`,"response":{"n": 1.0}}`+"\n" {
				t.Errorf("row %s with %.10q and a response: another line of %d bytes, %v", r.ID, text, got.Len(), err)
			}
		}
	}
}

// everyMember returns a result that has all members but a response.
func everyMember(t *testing.T, text string) durable.Result {
	t.Helper()
	cost := price.Money(7)
	r := durable.Result{
		ID: "c", Status: durable.ItemSucceeded, Text: text, Value: json.RawMessage(`{"v":[1, 2]}`), Finish: "stop", Refusal: "no",
		Usage: &llm.Usage{Input: 1}, Cost: &cost, Model: "m", Route: "r", Tried: []durable.Tried{{Route: "q", Code: "c"}}, Batch: "b",
		Cached: true, Shared: true, Attempts: 2, Item: "i", Tenant: "t", Meta: json.RawMessage(`{"a":1}`), Source: "s.jsonl", Line: 3,
		Error: &sink.RowError{Class: retry.Permanent}, HTTPStatus: 200, Citations: []llm.Citation{{}}, Fields: []durable.CitedField{{}},
	}
	for v, i := reflect.ValueOf(r), 0; i < v.NumField(); i++ {
		f := v.Type().Field(i)
		if name := f.Name; v.Field(i).IsZero() && f.Tag.Get("json") != "-" && name != "Response" && (name != "Text" || text != "") {
			t.Fatalf("a result has a member %s, which its line has perhaps not", name)
		}
	}
	return r
}
