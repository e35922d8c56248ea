package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// Whatever happens to the files of the rows of all batches, the run goes on:
// those that it needs are made again, and of those that are settled it needs
// none.
func TestTheRowsOfABatchAreFoundAgain(t *testing.T) {
	t.Parallel()
	for name, how := range durabletest.Harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.2}})
			w.Write("in.jsonl", durabletest.Tickets(1000)...)
			job := w.Job()
			job.MaxAttempts = 20
			for chunks := range 3 { // among others batches of rows that go again
				w.DieAfter(3*chunks, job)
				for _, file := range durabletest.FirstOf(t, filepath.Join(w.JobDir(), "manifests", "*"), 3) {
					durabletest.Harm(t, file, how)
				}
			}
			w.MustRun(job)
			if n := len(w.Results()); n != 1000 {
				t.Errorf("%d results", n)
			}
			w.WantBilledOnce(1000)
		})
	}
}

// Without the ready queue the rows of a batch cannot be found again, and
// nothing is made up.
func TestRowsThatCannotBeFoundAreNotMadeUp(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	w.DieTorn(0, w.Job())
	before := len(w.Server.Batches())
	manifest := durabletest.FirstOf(t, filepath.Join(w.JobDir(), "manifests", "*"), 3)[1]
	durabletest.Harm(t, manifest, durabletest.Harms["flipped"])
	if err := os.RemoveAll(filepath.Join(w.JobDir(), "ready", "7f")); err != nil {
		t.Fatal(err)
	}
	_, err := w.Run(t.Context(), w.Job())
	if !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
	if !slices.ContainsFunc([]string{"/manifests/", "/ready"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
		t.Errorf("error %v names no file", err)
	}
	if n := len(w.Server.Batches()); n != before {
		t.Errorf("%d batches, and %d before", n, before)
	}
}
