package durable_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func sameReuse(a, b durable.Reuse) bool {
	since := a.Since.Equal(b.Since)
	a.Since = b.Since
	return since && a == b
}

// Counts of reuse add up in the status of a run, whether it runs or not. They
// begin anew if their file is damaged, and stand in the way of nothing.
func TestCountsOfReuseAddUp(t *testing.T) {
	t.Parallel()
	for how, do := range durabletest.Harms {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(10)...)
				w.MustRun(w.BriskJob())
				h := w.Attach()
				wants := func(want durable.Reuse) {
					w.T.Helper()
					s, err := h.Status()
					switch {
					case err != nil || s.State != durable.StateCompleted:
						w.T.Errorf("%+v, %v", s, err)
					case s.Reuse == nil && want != (durable.Reuse{}), s.Reuse != nil && !sameReuse(*s.Reuse, want):
						w.T.Errorf("%+v, want %+v", s.Reuse, want)
					}
				}
				add := func(want durable.Reuse) {
					w.T.Helper()
					got, err := h.AddReuse(durable.Reuse{Hits: 3, Shared: 1, Saved: 4 * price.USD, Unpriced: 1, Since: time.Now()})
					if err != nil || !sameReuse(got, want) {
						w.T.Errorf("%+v, %v, want %+v", got, err, want)
					}
					wants(want)
				}
				wants(durable.Reuse{})
				one := durable.Reuse{Hits: 3, Shared: 1, Saved: 4 * price.USD, Unpriced: 1, Since: time.Now()}
				add(one)
				time.Sleep(time.Hour)
				add(durable.Reuse{Hits: 6, Shared: 2, Saved: 8 * price.USD, Unpriced: 2, Since: one.Since})
				durabletest.Harm(w.T, durabletest.FirstOf(w.T, w.Path("state/runs/*/reuse.json"), 1)[0], do)
				wants(durable.Reuse{})
				if health, err := doctor.Examine(w.T.Context(), w.StateDir()); err != nil || how != "deleted" && (len(health.Problems) != 1 || !health.Needs(doctor.RepairBatchFiles)) {
					w.T.Errorf("%+v, %v", health, err)
				}
				one.Since = time.Now()
				add(one)
				if health, err := doctor.Examine(w.T.Context(), w.StateDir()); err != nil || len(health.Problems) > 0 {
					w.T.Errorf("%+v, %v", health, err)
				}
			})
		})
	}
}
