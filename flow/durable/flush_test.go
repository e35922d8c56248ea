package durable_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch says why it was made, and how full it is: in its events, and in the
// status as long as it is open, also to a process that did not make it.
func TestABatchSaysWhyItWasMade(t *testing.T) {
	t.Parallel()
	slow := simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}
	durabletest.Bubble(t, slow, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(50)...)
		job := w.BriskJob()
		job.Batch = durable.BatchLimits{MaxItems: 20}
		reasons := make(map[string]durable.Flush)
		job.Observe = func(e durable.Event) {
			if e.Batch != nil && e.Batch.Flush != nil {
				f := *e.Batch.Flush
				f.At = time.Time{}
				reasons[e.Batch.Tag] = f
			}
		}
		w.LeaveWhen(job, func(p durable.Progress) bool { return p.Batches == 3 })
		status, err := w.Attach().Status()
		if err != nil || len(status.Open) != 3 {
			t.Fatalf("%v, %+v", err, status.Open)
		}
		for _, b := range status.Open {
			if b.Flush == nil || b.Flush.Limit != 20 || b.Flush.At.IsZero() || b.Model != "gpt-test" {
				t.Errorf("%+v", b)
			}
		}
		w.MustRun(job)
		full := durable.Flush{Reason: "size", Limit: 20, Fill: 1}
		rest := durable.Flush{Reason: "close", Limit: 20, Fill: 0.5}
		var all []durable.Flush
		for _, f := range slices.Collect(maps.Values(reasons)) {
			if f.Fill < 1 {
				all = append(all, f)
				continue
			}
			if f != full {
				t.Errorf("%+v", f)
			}
		}
		if len(reasons) != 3 || len(all) != 1 || all[0] != rest {
			t.Errorf("%+v", reasons)
		}
	})
}
