package durable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// saysNothing is a provider whose cancelled batches have no results for rows
// that never ran.
func saysNothing(_ string, b map[string]any) {
	if b["status"] == "cancelled" {
		b["error_file_id"] = nil
		b["request_counts"].(map[string]any)["failed"] = 0 //nolint:forcetypeassert // as the simulator writes it
	}
}

// A batch that was cancelled for its deadline lacks no rows, whichever process
// downloads what it has answered.
func TestRowsOfABatchThatWasCutShortAreNotMissing(t *testing.T) {
	t.Parallel()
	slow := simulator.Latency{Processing: time.Hour, Cancelling: time.Minute}
	durabletest.Bubble(t, simulator.Config{Latency: slow}, openai.Config{}, edit(saysNothing), func(w *durabletest.World) {
		w.Write("in.jsonl", ticketsOf(20, "soon")...)
		got := &settledAt{at: make(map[string]time.Time)}
		for _, stop := range []time.Duration{16*time.Minute + 30*time.Second, 24 * time.Hour} {
			p := openLive(w, "sk-test", live.Config{})
			job := urgent(w, p)
			job.Dir, job.Output = w.StateDir(), got.output()
			ctx, cancel := context.WithDeadline(w.T.Context(), w.Log.Start.Add(stop))
			report, err := durable.Run(ctx, job)
			cancel()
			closeLive(w, p)
			if err != nil && !errors.Is(err, context.DeadlineExceeded) || report.Unexpected.Missing > 0 {
				w.T.Errorf("until %s: %+v, %v", stop, report, err)
			}
		}
		if n := billedByKind(w)["live"]; n == 0 || n == 20 {
			w.T.Errorf("%d rows were asked live", n)
		}
		w.WantBilledOnce(20)
	})
}
