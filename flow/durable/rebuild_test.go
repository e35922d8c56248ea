package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// loseIndex deletes what Badger holds.
func (w *world) loseIndex() {
	w.t.Helper()
	if err := os.RemoveAll(w.path("state/index")); err != nil {
		w.t.Fatal(err)
	}
	if d, err := state.Open(w.path("state"), state.Config{Log: quiet}); !errors.Is(err, state.ErrDamaged) {
		_ = d.Close()
		w.t.Fatalf("error %v, want one of a lost index", err)
	}
}

func (w *world) rebuild() {
	w.t.Helper()
	aside, err := doctor.Rebuild(w.t.Context(), w.path("state"), quiet)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.path("state"), aside, "index")); err != nil {
		w.t.Errorf("the old index is not where it should be: %v", err)
	}
}

// At whatever progress the index is lost, the job goes on with one that was made
// again: each row gets one result and is paid for once.
func TestTheIndexIsMadeAgainAtAnyStage(t *testing.T) {
	w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.write("in.jsonl", tickets(1000)...)
	enough := errors.New("enough")
	stop := 0
	for ; ; stop++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := w.job()
		job.MaxAttempts = 20
		job.Batch.MaxItems = 40
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
		w.loseIndex()
		w.rebuild()
	}
	if stop < 10 {
		t.Errorf("only %d stages", stop)
	}
	w.loseIndex()
	w.rebuild()
	if report := w.mustRun(w.job()); report.Cached != 1000 || report.Rows != 1000 {
		t.Errorf("report %+v", report)
	}
	if got := w.results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.wantBilledOnce(1000)
}

// Answers of another job that were copied when the process ended, and not yet
// sealed, are no batch that was bought.
func TestTheIndexIsMadeAgainAmidAReuse(t *testing.T) {
	inBubble(t, simulator.Config{}, func(w *world) {
		t := w.t
		w.mustRunAs("one", w.pipedJob(), others(0, 100)...)
		w.write("in.jsonl", "{}") // which ends the run before it begins
		if _, err := w.run(t.Context(), w.pipedJob()); err == nil {
			t.Fatal("an item without a key")
		}
		if err := w.attach().Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.write("in.jsonl", tickets(100)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.run(ctx, w.pipedJob()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(w.path("state/job-*/results/*")); err != nil || len(left) != 2 {
			t.Fatalf("results %v, %v", left, err)
		}
		w.loseIndex()
		w.rebuild()
		if err := w.attach().Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report := w.mustRun(w.pipedJob()); report.FromCache != 100 || w.billed() != 100 {
			t.Errorf("report %+v, %d billed", report, w.billed())
		}
	})
}
