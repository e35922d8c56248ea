package durable_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// What a person has decided is never taken for the other decision, whatever
// becomes of the file that says so: it is refused, or the person is asked
// again.
func TestALostDecisionIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for how, do := range durabletest.Harms {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			b := &broken{body: half}
			durabletest.Bubble(t, simulator.Config{}, openai.Config{}, b.wrap, func(w *durabletest.World) {
				job := missingJob(w)
				waits := undecided(w, job, 25)
				if err := w.Attach().Settle(w.T.Context(), waits.Batch, durable.DecisionSend); err != nil {
					w.T.Fatal(err)
				}
				file := durabletest.FirstOf(w.T, w.Path("state/runs/*/decisions.json"), 1)[0]
				durabletest.Harm(w.T, file, do)
				if how != "deleted" {
					wantDamaged(w, job, "decisions.json")
				}
				if again := undecided(w, job, 25); again.Tag != waits.Tag || len(w.Server.Batches()) != 3 {
					w.T.Errorf("batch %+v, then %+v", waits, again)
				}
			})
		})
	}
}

// wantDamaged fails unless the job is refused because of a file, which the
// doctor finds and mends.
func wantDamaged(w *durabletest.World, job durable.Job[durabletest.Ticket], file string) {
	w.T.Helper()
	if _, err := w.Run(w.T.Context(), job); !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), file) {
		w.T.Errorf("error %v", err)
	}
	h, err := doctor.Examine(w.T.Context(), w.StateDir())
	if err != nil || len(h.Problems) != 1 || filepath.Base(h.Problems[0].File) != file || !h.Needs(doctor.RepairBatchFiles) {
		w.T.Errorf("%+v, %v", h, err)
	}
	if err := doctor.RepairFiles(w.T.Context(), w.StateDir()); err != nil {
		w.T.Fatal(err)
	}
	if h, err = doctor.Examine(w.T.Context(), w.StateDir()); err != nil || len(h.Problems) > 0 {
		w.T.Errorf("repaired: %+v, %v", h, err)
	}
}
