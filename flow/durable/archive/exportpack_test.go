package archive_test

import (
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// An export has each request that rows shared once, as it was sent, and names
// it with each of their answers.
func TestAnExportHasSharedRequestsOnce(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Answer: func(simulator.Row) simulator.Reply {
		return simulator.Reply{Text: `[{"id":1,"answer":"a"},{"id":2,"answer":"b"},{"id":3,"answer":"c"}]`}
	}})
	w.Write("in.jsonl", durabletest.Tickets(6)...)
	job := w.Job()
	job.Pack.MaxItems = 3
	w.MustRun(job)
	m, err := w.Archive("tickets").Export(t.Context(), w.Path("export"), archive.Format{Codec: w.Provider.Info().Codec, Row: openai.AppendRow})
	if err != nil || len(m.Batches) != 1 || m.Batches[0].Rows != 6 || m.Batches[0].Answered != 6 {
		t.Fatalf("manifest %+v, %v", m, err)
	}
	sent := make(map[string]int)
	for e, err := range w.Server.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		sent[e.CustomID] = 0
	}
	requests := readJSON[requestLine](t, filepath.Join(w.Path("export"), m.Batches[0].Requests))
	for _, r := range requests {
		if _, ok := sent[r.CustomID]; !ok {
			t.Errorf("%s was never sent", r.CustomID)
		}
	}
	for _, r := range readJSON[archive.ExportedRow](t, filepath.Join(w.Path("export"), m.Batches[0].Outputs)) {
		sent[r.CustomID]++
	}
	if len(requests) != 2 || len(sent) != 2 {
		t.Errorf("%d requests, and %d were sent", len(requests), len(sent))
	}
	for id, rows := range sent {
		if rows != 3 {
			t.Errorf("%s has answered %d rows", id, rows)
		}
	}
}
