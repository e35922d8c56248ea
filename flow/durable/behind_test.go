package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// keepAside copies the state directory, for restore.
func keepAside(w *durabletest.World) {
	w.T.Helper()
	if err := os.CopyFS(w.Path("aside"), os.DirFS(w.Path("state"))); err != nil {
		w.T.Fatal(err)
	}
}

// restoreCopy puts the copy back in the place of the directory, and leaves the
// output as the newer one wrote it, unless it is to go.
func restoreCopy(w *durabletest.World, keepOutput bool) {
	w.T.Helper()
	errs := []error{os.RemoveAll(w.Path("state")), os.Rename(w.Path("aside"), w.Path("state")), os.Chmod(w.Path("state"), 0o700)} //nolint:gosec // a directory
	if !keepOutput {
		errs = append(errs, os.Truncate(w.Path("out.jsonl"), 0))
	}
	if err := errors.Join(errs...); err != nil {
		w.T.Fatal(err)
	}
}

// A copy of the state directory was put back, and more had been bought since:
// the run is refused before it buys, and goes on once it has adopted what there
// is.
func TestAnOlderCopyBuysNothing(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(500)...)
	job := w.Job()
	job.MaxInFlight, job.KeepRemote = 1, durable.KeepForever
	if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		t.Fatal(err)
	}
	keepAside(w)
	w.DieAfter(3, job)
	restoreCopy(w, false)
	before := len(w.Server.Batches())
	for range 2 {
		_, err := w.Run(t.Context(), job)
		var mismatch *durable.MismatchError
		if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "--adopt tickets") || !strings.Contains(err.Error(), w.Path("state")) {
			t.Fatalf("error %v", err)
		}
		if n := len(w.Server.Batches()); n != before {
			t.Fatalf("%d batches, and %d before", n, before)
		}
	}
	adoptAll(w, job)
	w.MustRun(job)
	if n := len(w.Results()); n != 500 {
		t.Errorf("%d results", n)
	}
	w.WantBilledOnce(500)
}

func adoptAll(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
	w.T.Helper()
	all, err := w.StateDir().Adopt(w.T.Context(), job.Provider, job.Name, w.Server.Batches()[0].Created.Add(-1e9))
	if err != nil {
		w.T.Fatalf("%+v, %v", all, err)
	}
}

// Of a directory whose place is taken by an older copy of it, a run that had
// nothing new bought goes on: it settles again what it does not know to be
// settled.
func TestAnOlderCopyOfASettledRunGoesOn(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(300)...)
	job := w.Job()
	job.KeepRemote, job.Batch.MaxItems = durable.KeepForever, 300 // all of it is bought when it dies
	w.DieAfter(0, job)
	keepAside(w)
	w.MustRun(job)
	restoreCopy(w, true)
	w.MustRun(job) // what stands behind the mark is what it is about to settle
	if n := len(w.Results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.WantBilledOnce(300)
}

// A copy of a directory that is still there is refused, and a directory that
// was moved goes on.
func TestACopyRunElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(200)...)
	w.DieAfter(0, w.Job())
	keepAside(w)
	if err := os.Chmod(w.Path("aside"), 0o700); err != nil { //nolint:gosec // a directory
		t.Fatal(err)
	}
	if _, err := w.OpenDir("aside").Store(); !errors.Is(err, state.ErrCopy) || !strings.Contains(err.Error(), w.Path("state")) {
		t.Fatalf("error %v", err)
	}
	if _, err := doctor.Examine(t.Context(), w.OpenDir("aside")); !errors.Is(err, state.ErrCopy) {
		t.Errorf("the doctor: %v", err)
	}
	if err := os.Rename(w.Path("state"), filepath.Join(w.Dir, "moved")); err != nil {
		t.Fatal(err)
	}
	restoreFrom(w, "moved")
	w.MustRun(w.Job())
	w.WantBilledOnce(200)
}

// restoreFrom moves a directory to where the state is looked for.
func restoreFrom(w *durabletest.World, name string) {
	w.T.Helper()
	store, err := w.OpenDir(name).Store() // it was moved, which is no copy
	if err != nil {
		w.T.Fatal(err)
	}
	if err := errors.Join(store.Close(), os.Rename(w.Path(name), w.Path("state"))); err != nil {
		w.T.Fatal(err)
	}
}
