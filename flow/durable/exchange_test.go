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

// Two files that are whole stand in each other's places: each says which it is,
// so that none is taken for the other. The run either is refused, by the name
// of a file, or goes on and ends as it would have.
func TestNoFileIsTakenForAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ pattern, with string }{
		{"manifests/*", "own"},
		{"manifests/*", "other"},
		{"results/*", "other"},
		{"journal.jsonl", "other"},
		{"requests/*", "other"},
		{"ready/*/*", "other"},
		{"", "other"},
	} {
		t.Run(test.pattern+" "+test.with, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{})
			w.Write("in.jsonl", durabletest.Tickets(300)...)
			other := w.Job()
			other.Name, other.Cache = "other", -1
			other.Key = func(x durabletest.Ticket) string { return "other " + x.ID }
			w.MustRun(other)
			if err := os.Remove(w.Path("out.jsonl")); err != nil {
				t.Fatal(err)
			}
			theirs := w.JobDir()
			job := w.Job()
			job.Cache = -1
			w.DieTorn(0, job)
			own := w.JobDir(theirs)
			var a, b string
			if test.with == "own" {
				pair := durabletest.FirstOf(t, filepath.Join(own, test.pattern), 2)
				a, b = pair[0], pair[1]
			} else {
				a, b = durabletest.FirstOf(t, filepath.Join(own, test.pattern), 1)[0], durabletest.FirstOf(t, filepath.Join(theirs, test.pattern), 1)[0]
			}
			durabletest.Exchange(w.T, a, b)
			report, err := w.Run(t.Context(), job)
			if err != nil {
				if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "baler doctor") {
					t.Fatalf("error %v", err)
				}
				t.Log(err)
				durabletest.Exchange(w.T, a, b)
				report, err = w.Run(t.Context(), job)
			}
			if err != nil || !report.Finished || len(w.Results()) != 300 {
				t.Errorf("report %+v, %v", report, err)
			}
			w.WantBilledOnce(600)
		})
	}
}
