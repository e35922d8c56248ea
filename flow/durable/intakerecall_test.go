package durable_test

import (
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

// A row that repeats one which an earlier process has kept is recognized, also
// if the job asks the same as often as its rows do.
func TestARowIsKnownAfterARestart(t *testing.T) {
	t.Parallel()
	for _, samples := range []bool{false, true} {
		w := durabletest.New(t, simulator.Config{})
		all := durabletest.Tickets(25)
		job := nightly(w)
		job.Samples = samples
		w.Write("in.jsonl", all[:20]...)
		w.MustRun(job)
		w.Write("in.jsonl", append(append(all[:20:20], all[3]), all[20:]...)...)
		if r := w.MustRun(job); r.Rows != 25 || r.Duplicates != 1 {
			t.Errorf("samples %v: %+v", samples, r)
		}
		w.WantBilledOnce(25)
	}
}
