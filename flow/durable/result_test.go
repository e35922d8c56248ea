package durable_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Long texts are quoted in pieces, whose ends show nowhere.
func TestALineIsThatOfMarshal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "short", strings.Repeat("x", 64<<10), strings.Repeat("<&\"\n", 100_000), strings.Repeat("漢字 ümläut 🚚", 20_000),
		"x" + strings.Repeat("🚚", 100_000), strings.Repeat("\x80", 200_000), "xy" + strings.Repeat("🚚\xf0\x9f", 50_000),
	} {
		for _, r := range []durable.Result{
			{ID: "a<b", Status: durable.ItemSucceeded, Text: text},
			{ID: "b", Status: durable.ItemFailed, Text: text, Error: &sink.RowError{Class: retry.Permanent, Message: "m"}},
			{
				ID: "c", Status: durable.ItemSucceeded, Text: text, Usage: &llm.Usage{Input: 1}, Model: "m", Batch: "b", Cached: true,
				Attempts: 2, Meta: json.RawMessage(`{"a":1}`),
			},
		} {
			want, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			if err := r.WriteLine(&got); err != nil || got.String() != string(want)+"\n" {
				t.Errorf("row %s with %.10q: another line of %d bytes instead of %d, %v", r.ID, text, got.Len(), len(want), err)
			}
			got.Reset()
			r.Response = json.RawMessage(`{"n": 1.0}`)
			if err := r.WriteLine(&got); err != nil || got.String() != string(want[:len(want)-1])+`,"response":{"n": 1.0}}`+"\n" {
				t.Errorf("row %s with %.10q and a response: another line of %d bytes, %v", r.ID, text, got.Len(), err)
			}
		}
	}
}
