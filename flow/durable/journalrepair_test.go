package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// dyingOutput takes some chunks, and then no more.
type dyingOutput struct{ after int }

func (o *dyingOutput) Write(context.Context, []durable.Result) error {
	if o.after--; o.after < 0 {
		return errDied
	}
	return nil
}

// loseJournal deletes the journal of the only job.
func (w *world) loseJournal() {
	w.t.Helper()
	files, err := filepath.Glob(w.path("state/job-*/journal.jsonl"))
	if err != nil || len(files) != 1 {
		w.t.Fatalf("journals %v, %v", files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.run(w.t.Context(), w.job()); !errors.Is(err, state.ErrDamaged) {
		w.t.Fatalf("error %v, want one of a lost journal", err)
	}
}

// At whatever progress the journal is lost, the job goes on with one that was
// written anew from the index, and that a later loss of the index leaves enough.
func TestTheJournalIsWrittenAnewAtAnyStage(t *testing.T) {
	w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.write("in.jsonl", tickets(1000)...)
	enough := errors.New("enough")
	stop := 0
	for ; ; stop++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := w.job()
		job.MaxAttempts, job.Batch.MaxItems = 20, 40
		changes := 0
		job.Progress = func(durable.Progress) {
			if changes++; changes > 2+stop {
				cancel(enough)
			}
		}
		report, err := w.run(ctx, job)
		cancel(nil)
		if report.Finished {
			break
		}
		if !errors.Is(err, enough) {
			t.Fatalf("error %v, report %+v", err, report)
		}
		w.loseJournal()
		if err := doctor.RepairJournals(t.Context(), w.path("state"), quiet); err != nil {
			t.Fatal(err)
		}
		if stop%2 == 1 {
			w.loseIndex()
			w.rebuild()
		}
		h, err := doctor.Examine(t.Context(), w.path("state"), quiet)
		if err != nil || len(h.Problems) > 0 {
			t.Fatalf("stage %d: %+v, %v", stop, h, err)
		}
	}
	if stop < 10 {
		t.Errorf("only %d stages", stop)
	}
	if got := w.results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.wantBilledOnce(1000)
}

// With both of them lost nobody knows what was bought.
func TestWithoutJournalAndIndexNothingIsMadeUp(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(100)...)
	w.mustRun(w.job())
	w.loseJournal()
	w.loseIndex()
	if err := doctor.RepairJournals(t.Context(), w.path("state"), quiet); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
	if _, err := doctor.Rebuild(t.Context(), w.path("state"), quiet); !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
}
