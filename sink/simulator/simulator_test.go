package simulator_test

import (
	"testing"

	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/simulator/internal/openai/openaitest"
)

func TestABatchIsValidatedExecutedAndBilledOnce(t *testing.T) {
	srv, c := openaitest.Start(t, simulator.Config{})
	input := openaitest.Chats("I was charged twice for my order", "please [[400]] this", "Größe 42 passt nicht 👟")
	f := c.Upload(input)
	if f.Bytes != int64(len(input)) || f.Purpose != "batch" || f.Filename != "in.jsonl" {
		t.Errorf("file object: %+v", f)
	}
	b := c.Create(f.ID)
	if b.Status != "validating" || b.Metadata["run"] != "r1" {
		t.Errorf("created: %+v", b)
	}
	b = c.Await(b.ID, "completed")
	if want := (openaitest.Counts{Total: 3, Completed: 2, Failed: 1}); b.RequestCounts != want {
		t.Errorf("request_counts %+v, want %+v", b.RequestCounts, want)
	}
	output, failed := c.ByID(c.Lines(b.OutputFileID)), c.ByID(c.Lines(b.ErrorFileID))
	if len(output) != 2 || len(failed) != 1 {
		t.Fatalf("%d output lines and %d error lines, want 2 and 1", len(output), len(failed))
	}
	if got := output["row-0"].Response.Body.Choices[0].Message.Content; got != "billing: I was charged twice for my order" {
		t.Errorf("row-0: %q", got)
	}
	if got := output["row-2"].Response.Body.Choices[0].Message.Content; got != "general: Größe 42 passt nicht 👟" {
		t.Errorf("row-2: %q", got)
	}
	if l := failed["row-1"]; l.Error != nil || l.Response.StatusCode != 400 || l.Response.Body.Error.Code != "invalid_value" {
		t.Errorf("row-1: %+v", l)
	}
	bills, err := simulator.Tally(srv.Executions(), simulator.AfterTag)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]simulator.Bill{"row-0": {1, 1}, "row-1": {1, 0}, "row-2": {1, 1}} {
		if bills[id] != want {
			t.Errorf("bill of %s: %+v, want %+v", id, bills[id], want)
		}
	}
}
