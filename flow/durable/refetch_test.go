package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// flipResults damages all results that are on disk, and says how many.
func (w *world) flipResults() int {
	w.t.Helper()
	files, err := filepath.Glob(w.path("state/job-*/results/*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return len(files)
}

// dieAtFirstResults runs the job until it has results on disk of which none is
// recorded.
func (w *world) dieAtFirstResults(job durable.Job[ticket]) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := durable.Lines(w.path("out.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	job.Store, job.Output = store, tornOutput{out}
	if _, err := durable.Run(w.t.Context(), job); !errors.Is(err, errDied) {
		w.t.Fatalf("error %v", err)
	}
	if err := errors.Join(out.Close(), store.Close()); err != nil {
		w.t.Fatal(err)
	}
}

func TestDamagedResultsAreFetchedAgain(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(300)...)
	w.dieAtFirstResults(w.job())
	if n := w.flipResults(); n == 0 {
		t.Fatal("there are no results to damage")
	}
	w.mustRun(w.job())
	if n := len(w.results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.wantBilledOnce(300)
}

// Of a batch of which some results were handed on, another download may be in
// another order.
func TestDamagedResultsAreRefusedOnceSomeAreSettled(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(1500)...)
	job := w.job()
	job.Batch.MaxItems = 1500 // more than one chunk
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	job.Store, job.Output = store, &dyingOutput{after: 1}
	if _, err := durable.Run(t.Context(), job); !errors.Is(err, errDied) {
		t.Fatalf("error %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	w.flipResults()
	_, err = w.run(t.Context(), job)
	if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "/results/") || !strings.Contains(err.Error(), "baler doctor") {
		t.Errorf("error %v", err)
	}
}
