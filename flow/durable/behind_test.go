package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// keepAside copies the state directory, for restore.
func (w *world) keepAside() {
	w.t.Helper()
	if err := os.CopyFS(w.path("aside"), os.DirFS(w.path("state"))); err != nil {
		w.t.Fatal(err)
	}
}

// restore puts the copy back in the place of the directory, and leaves the output as
// the newer one wrote it, unless it is to go.
func (w *world) restore(keepOutput bool) {
	w.t.Helper()
	errs := []error{os.RemoveAll(w.path("state")), os.Rename(w.path("aside"), w.path("state")), os.Chmod(w.path("state"), 0o700)} //nolint:gosec // a directory
	if !keepOutput {
		errs = append(errs, os.Truncate(w.path("out.jsonl"), 0))
	}
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
}

// dieAfter runs the job until it has delivered so many chunks.
func (w *world) dieAfter(chunks int, job durable.Job[ticket]) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := durable.Lines(w.path("out.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	job.Store, job.Output = store, &dyingFile{File: out, after: chunks}
	if _, err := durable.Run(w.t.Context(), job); !errors.Is(err, errDied) {
		w.t.Fatalf("error %v", err)
	}
	if err := errors.Join(out.Close(), store.Close()); err != nil {
		w.t.Fatal(err)
	}
}

// A copy of the state directory was put back, and more had been bought since: the
// run is refused before it buys, and goes on once it has adopted what there is.
func TestAnOlderCopyBuysNothing(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(500)...)
	job := w.job()
	job.MaxInFlight, job.KeepRemote = 1, durable.KeepForever
	if _, err := w.with(t.Context(), job, durable.Ingest[ticket]); err != nil {
		t.Fatal(err)
	}
	w.keepAside()
	w.dieAfter(3, job)
	w.restore(false)
	before := len(w.server.Batches())
	for range 2 {
		_, err := w.run(t.Context(), job)
		var mismatch *durable.MismatchError
		if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "--adopt tickets") || !strings.Contains(err.Error(), w.path("state")) {
			t.Fatalf("error %v", err)
		}
		if n := len(w.server.Batches()); n != before {
			t.Fatalf("%d batches, and %d before", n, before)
		}
	}
	w.adoptAll(job)
	w.mustRun(job)
	if n := len(w.results()); n != 500 {
		t.Errorf("%d results", n)
	}
	w.wantBilledOnce(500)
}

func (w *world) adoptAll(job durable.Job[ticket]) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	all, err := durable.Adopt(w.t.Context(), job.Provider, store, job.Name, w.server.Batches()[0].Created.Add(-1e9))
	if err := errors.Join(err, store.Close()); err != nil {
		w.t.Fatalf("%+v, %v", all, err)
	}
}

// Of a directory whose place is taken by an older copy of it, a run that had nothing
// new bought goes on: it settles again what it does not know to be settled.
func TestAnOlderCopyOfASettledRunGoesOn(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(300)...)
	job := w.job()
	job.KeepRemote, job.Batch.MaxItems = durable.KeepForever, 300 // all of it is bought when it dies
	w.dieAfter(0, job)
	w.keepAside()
	w.mustRun(job)
	w.restore(true)
	w.mustRun(job) // what stands behind the mark is what it is about to settle
	if n := len(w.results()); n != 300 {
		t.Errorf("%d results", n)
	}
	w.wantBilledOnce(300)
}

// A copy of a directory that is still there is refused, and a directory that was
// moved goes on.
func TestACopyRunElsewhereIsRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(200)...)
	w.dieAfter(0, w.job())
	w.keepAside()
	if err := os.Chmod(w.path("aside"), 0o700); err != nil { //nolint:gosec // a directory
		t.Fatal(err)
	}
	if _, err := state.Open(w.path("aside"), state.Config{Log: quiet}); !errors.Is(err, state.ErrCopy) || !strings.Contains(err.Error(), w.path("state")) {
		t.Fatalf("error %v", err)
	}
	if _, err := doctor.Examine(t.Context(), w.path("aside"), quiet); !errors.Is(err, state.ErrCopy) {
		t.Errorf("the doctor: %v", err)
	}
	if err := os.Rename(w.path("state"), filepath.Join(w.dir, "moved")); err != nil {
		t.Fatal(err)
	}
	w.restoreFrom("moved")
	w.mustRun(w.job())
	w.wantBilledOnce(200)
}

// restoreFrom moves a directory to where the state is looked for.
func (w *world) restoreFrom(name string) {
	w.t.Helper()
	store, err := state.Open(w.path(name), state.Config{Log: quiet}) // it was moved, which is no copy
	if err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(store.Close(), os.Rename(w.path(name), w.path("state"))); err != nil {
		w.t.Fatal(err)
	}
}
