package doctor_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// stopAt returns a log's hook that calls stop at the change of a batch after so
// many others. Until the first one, only the journal knows the route of rows.
func stopAt(changes int, stop func()) func(message string) {
	var n atomic.Int64
	return func(message string) {
		if message == "batch" && n.Add(1) > int64(changes) {
			stop()
		}
	}
}

// At whatever change of a batch the index is lost, the job goes on with one
// that was made again: each row gets one result and is paid for once.
func TestTheIndexIsMadeAgainAtAnyStage(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.1}})
	w.Write("in.jsonl", durabletest.Tickets(1000)...)
	stop := 0
	for ; ; stop++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		job := w.Job()
		job.MaxAttempts = 20
		job.Batch.MaxItems = 40
		w.Log.OnMessage(stopAt(stop, func() { cancel(durabletest.ErrEnough) }))
		report, err := w.Run(ctx, job)
		cancel(nil)
		if report.Finished {
			break
		}
		if !errors.Is(err, durabletest.ErrEnough) {
			t.Fatalf("error %v, report %+v", err, report)
		}
		w.LoseIndex()
		w.Rebuild()
	}
	if stop < 10 {
		t.Errorf("only %d stages", stop)
	}
	w.LoseIndex()
	w.Rebuild()
	if report := w.MustRun(w.Job()); report.Cached != 1000 || report.Rows != 1000 {
		t.Errorf("report %+v", report)
	}
	if got := w.Results(); len(got) != 1000 {
		t.Errorf("%d results", len(got))
	}
	w.WantBilledOnce(1000)
}

// Answers of another job that were copied when the process ended, and not yet
// sealed, are no batch that was bought.
func TestTheIndexIsMadeAgainAmidAReuse(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.MustRunAs("one", w.BriskJob(), durabletest.Others(0, 100)...)
		w.Write("in.jsonl", "{}") // which ends the run before it begins
		if _, err := w.Run(t.Context(), w.BriskJob()); err == nil {
			t.Fatal("an item without a key")
		}
		if err := w.Attach().Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.Run(ctx, w.BriskJob()); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(w.Path("state/job-*/results/*")); err != nil || len(left) != 2 {
			t.Fatalf("results %v, %v", left, err)
		}
		w.LoseIndex()
		w.Rebuild()
		if err := w.Attach().Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		if report := w.MustRun(w.BriskJob()); report.FromCache != 100 || w.Billed() != 100 {
			t.Errorf("report %+v, %d billed", report, w.Billed())
		}
	})
}
