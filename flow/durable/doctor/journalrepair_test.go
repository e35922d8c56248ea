package doctor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// loseJournal deletes the journal of the only job.
func loseJournal(w *durabletest.World) {
	w.T.Helper()
	files, err := filepath.Glob(w.Path("state/job-*/journal.jsonl"))
	if err != nil || len(files) != 1 {
		w.T.Fatalf("journals %v, %v", files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		w.T.Fatal(err)
	}
	if _, err := w.Run(w.T.Context(), w.Job()); !errors.Is(err, state.ErrDamaged) {
		w.T.Fatalf("error %v, want one of a lost journal", err)
	}
}

// At whatever change of a batch the journal is lost, the job goes on with one
// that was written anew from the index, and that a later loss of the index
// leaves enough.
func TestTheJournalIsWrittenAnewAtAnyStage(t *testing.T) {
	w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.Write("in.jsonl", durabletest.Tickets(1000)...)
	stop := 0
	for ; ; stop++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := w.Job()
		job.MaxAttempts, job.Batch.MaxItems = 20, 40
		w.Log.OnMessage(stopAt(stop, func() { cancel(durabletest.ErrEnough) }))
		report, err := w.Run(ctx, job)
		cancel(nil)
		if report.Finished {
			break
		}
		if !errors.Is(err, durabletest.ErrEnough) {
			t.Fatalf("error %v, report %+v", err, report)
		}
		loseJournal(w)
		if err := doctor.RepairJournals(t.Context(), w.StateDir()); err != nil {
			t.Fatal(err)
		}
		if stop%2 == 1 {
			w.LoseIndex()
			w.Rebuild()
		}
		h, err := doctor.Examine(t.Context(), w.StateDir())
		if err != nil || len(h.Problems) > 0 {
			t.Fatalf("stage %d: %+v, %v", stop, h, err)
		}
	}
	if stop < 10 {
		t.Errorf("only %d stages", stop)
	}
	if got := w.Results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.WantBilledOnce(1000)
}

// With both of them lost nobody knows what was bought.
func TestWithoutJournalAndIndexNothingIsMadeUp(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(100)...)
	w.MustRun(w.Job())
	loseJournal(w)
	w.LoseIndex()
	if err := doctor.RepairJournals(t.Context(), w.StateDir()); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
	if _, err := doctor.Rebuild(t.Context(), w.StateDir()); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
}
