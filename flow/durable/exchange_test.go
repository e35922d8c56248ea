package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// exchange gives two files each other's names.
func (w *world) exchange(a, b string) {
	w.t.Helper()
	for _, move := range [][2]string{{a, a + ".aside"}, {b, a}, {a + ".aside", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// jobDir is the directory of the only job that was not there before.
func (w *world) jobDir(before ...string) string {
	w.t.Helper()
	found, err := filepath.Glob(w.path("state/job-*"))
	found = slices.DeleteFunc(found, func(dir string) bool { return slices.Contains(before, dir) })
	if err != nil || len(found) != 1 {
		w.t.Fatalf("jobs %v, %v", found, err)
	}
	return found[0]
}

// firstOf is the first file that matches, of which there must be so many.
func firstOf(t *testing.T, pattern string, n int) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) < n {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[:n]
}

// Two files that are whole stand in each other's places: each says which it is,
// so that none is taken for the other. The run either is refused, by the name of
// a file, or goes on and ends as it would have.
func TestNoFileIsTakenForAnother(t *testing.T) {
	for _, test := range []struct{ pattern, with string }{
		{"bales/*", "own"},
		{"bales/*", "other"},
		{"results/*", "other"},
		{"journal.jsonl", "other"},
		{"requests/*", "other"},
		{"ready/*/*", "other"},
		{"", "other"},
	} {
		t.Run(test.pattern+" "+test.with, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, simulator.Config{})
			w.write("in.jsonl", tickets(300)...)
			other := w.job()
			other.Name, other.Cache = "other", -1
			other.Key = func(x ticket) string { return "other " + x.ID }
			w.mustRun(other)
			if err := os.Remove(w.path("out.jsonl")); err != nil {
				t.Fatal(err)
			}
			theirs := w.jobDir()
			job := w.job()
			job.Cache = -1
			w.dieAtFirstResults(job)
			own := w.jobDir(theirs)
			var a, b string
			if test.with == "own" {
				pair := firstOf(t, filepath.Join(own, test.pattern), 2)
				a, b = pair[0], pair[1]
			} else {
				a, b = firstOf(t, filepath.Join(own, test.pattern), 1)[0], firstOf(t, filepath.Join(theirs, test.pattern), 1)[0]
			}
			w.exchange(a, b)
			report, err := w.run(t.Context(), job)
			if err != nil {
				if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "baler doctor") {
					t.Fatalf("error %v", err)
				}
				t.Log(err)
				w.exchange(a, b)
				report, err = w.run(t.Context(), job)
			}
			if err != nil || !report.Finished || len(w.results()) != 300 {
				t.Errorf("report %+v, %v", report, err)
			}
			w.wantBilledOnce(600)
		})
	}
}
