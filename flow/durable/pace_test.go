package durable_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Many small batches run into no limit of calls once those are lifted that the
// provider documents. With one limit of ten a second for all kinds of calls
// together these took a minute, and the last uploads waited for polls.
func TestManySmallBatchesDoNotIdle(t *testing.T) {
	t.Parallel()
	lifted := openai.Config{Calls: sink.Calls{Uploads: 200, Creates: 200, Downloads: 40, Polls: 10, Deletes: 20, Others: 10}}
	durabletest.Bubble(t, simulator.Config{}, lifted, nil, func(w *durabletest.World) {
		t := w.T
		const batches = 50
		w.Write("in.jsonl", durabletest.Tickets(batches)...)
		job := w.Job()
		job.Batch = durable.BatchLimits{MaxItems: 1}
		job.MaxInFlight = batches
		job.Creates = durable.Rate{Requests: 1_000_000, Per: time.Hour}
		start := time.Now()
		if report := w.MustRun(job); report.Batches != batches {
			t.Errorf("report %+v", report)
		}
		wantWithin(w, start, 0, 30*time.Second) // ten of them until the first look
	})
}
