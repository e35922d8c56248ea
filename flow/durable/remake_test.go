package durable_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// harms are what happens to a file; nil deletes it.
var harms = map[string]func([]byte) []byte{
	"deleted": func([]byte) []byte { return nil },
	"emptied": func([]byte) []byte { return []byte{} },
	"cut":     func(b []byte) []byte { return b[:len(b)/2] },
	"torn":    func(b []byte) []byte { return b[:max(0, len(b)-7)] },
	"flipped": func(b []byte) []byte {
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
		return b
	},
}

func harm(t *testing.T, file string, how func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b = how(bytes.Clone(b)); b == nil {
		err = os.Remove(file)
	} else {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// dyingFile takes some chunks, and then no more.
type dyingFile struct {
	*durable.File
	after int
}

func (o *dyingFile) Write(ctx context.Context, results []durable.Result) error {
	if o.after--; o.after < 0 {
		return errDied
	}
	return o.File.Write(ctx, results)
}

// Whatever happens to the files of the rows of all batches, the run goes on: those
// that it needs are made again, and of those that are settled it needs none.
func TestTheRowsOfABatchAreFoundAgain(t *testing.T) {
	for name, how := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Config{Rows: simulator.RowFaults{ServerError: 0.2}})
			w.write("in.jsonl", tickets(1000)...)
			job := w.job()
			job.MaxAttempts = 20
			for chunks := range 3 { // among others batches of rows that go again
				store, err := state.Open(w.path("state"), state.Config{Log: quiet})
				if err != nil {
					t.Fatal(err)
				}
				out, err := durable.Lines(w.path("out.jsonl"))
				if err != nil {
					t.Fatal(err)
				}
				job.Store, job.Output = store, &dyingFile{File: out, after: 3 * chunks}
				if _, err := durable.Run(t.Context(), job); !errors.Is(err, errDied) {
					t.Fatalf("error %v", err)
				}
				if err := errors.Join(out.Close(), store.Close()); err != nil {
					t.Fatal(err)
				}
				for _, file := range firstOf(t, filepath.Join(w.jobDir(), "bales", "*"), 3) {
					harm(t, file, how)
				}
			}
			w.mustRun(job)
			if n := len(w.results()); n != 1000 {
				t.Errorf("%d results", n)
			}
			w.wantBilledOnce(1000)
		})
	}
}

// Without the ready queue the rows of a batch cannot be found again, and nothing is
// made up.
func TestRowsThatCannotBeFoundAreNotMadeUp(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(300)...)
	w.dieAtFirstResults(w.job())
	before := len(w.server.Batches())
	manifest := firstOf(t, filepath.Join(w.jobDir(), "bales", "*"), 3)[1]
	harm(t, manifest, harms["flipped"])
	if err := os.RemoveAll(filepath.Join(w.jobDir(), "ready", "7f")); err != nil {
		t.Fatal(err)
	}
	_, err := w.run(t.Context(), w.job())
	if !errors.Is(err, state.ErrDamaged) {
		t.Errorf("error %v", err)
	}
	if !slices.ContainsFunc([]string{"/manifests/", "/ready"}, func(s string) bool { return strings.Contains(err.Error(), s) }) {
		t.Errorf("error %v names no file", err)
	}
	if n := len(w.server.Batches()); n != before {
		t.Errorf("%d batches, and %d before", n, before)
	}
}
