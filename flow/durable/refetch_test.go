package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// flipResults damages all results that are on disk, and says how many.
func flipResults(w *durabletest.World) int {
	w.T.Helper()
	files, err := filepath.Glob(w.Path("state/job-*/results/*"))
	if err != nil {
		w.T.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			w.T.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			w.T.Fatal(err)
		}
	}
	return len(files)
}

func TestDamagedResultsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	w.DieTorn(0, w.Job())
	if n := flipResults(w); n == 0 {
		t.Fatal("there are no results to damage")
	}
	w.MustRun(w.Job())
	if n := len(w.Results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.WantBilledOnce(300)
}

// Of a batch of which some results were handed on, another download may be in
// another order.
func TestDamagedResultsAreRefusedOnceSomeAreSettled(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(2500)...)
	job := w.Job()
	job.Batch.MaxItems = 2500 // more than one chunk
	w.DieAfter(1, job)
	flipResults(w)
	_, err := w.Run(t.Context(), job)
	if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "/results/") || !strings.Contains(err.Error(), "baler doctor") {
		t.Errorf("error %v", err)
	}
}
