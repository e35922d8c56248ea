package durable_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/simulator"
)

func keepNothing(context.Context, durable.Result) error { return nil }

// temporary lists the directories of jobs that name none.
func temporary(t *testing.T, parent string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(parent, "baler-*", "state"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAJobWithoutADirectory(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(5)...)
	job := w.Job()
	job.Output = durable.Each(keepNothing)

	h, err := durable.Start(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := h.Wait(t.Context()); err != nil || report.Succeeded != 5 {
		t.Fatalf("%+v, %v", report, err)
	}
	if s, err := h.Status(); err != nil || s.State != durable.StateCompleted {
		t.Errorf("%+v, %v", s, err)
	}
	if left := temporary(t, tmp); len(left) > 0 {
		t.Errorf("it left %q", left)
	}

	w.Write("in.jsonl", "no JSON")
	if _, err := durable.Run(t.Context(), job); err == nil || len(temporary(t, tmp)) > 0 {
		t.Errorf("nothing was bought: error %v, left %q", err, temporary(t, tmp))
	}
	if _, err := durable.Ingest(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job.Dir") {
		t.Errorf("Ingest: error %v", err)
	}
	job.Output = nil
	if _, err := durable.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "Job.Output or Dir") {
		t.Errorf("error %v", err)
	}
}

// What was bought is not lost with a job that ends before its time: the error
// names the directory, and the job goes on in it.
func TestATemporaryDirectoryStaysIfItIsNeeded(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(5)...)
	job := w.Job()
	job.Output = durable.Each(func(context.Context, durable.Result) error { return durabletest.ErrDied })
	_, err := durable.Run(t.Context(), job)
	left := temporary(t, tmp)
	if !errors.Is(err, durabletest.ErrDied) || len(left) != 1 || !strings.Contains(err.Error(), left[0]) {
		t.Fatalf("error %v, left %q", err, left)
	}
	if job.Dir, err = durable.Open(left[0]); err != nil {
		t.Fatal(err)
	}
	job.Output = durable.Each(keepNothing)
	if report, err := durable.Run(t.Context(), job); err != nil || report.Succeeded != 5 {
		t.Errorf("%+v, %v", report, err)
	}
	w.WantBilledOnce(5)
	if _, err := os.Stat(left[0]); err != nil {
		t.Errorf("a directory with a name is not removed: %v", err)
	}
}

// A run whose files are kept at the provider needs its directory to remove
// them.
func TestATemporaryDirectoryStaysWithFilesAtTheProvider(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(5)...)
	job := w.Job()
	job.Output, job.KeepRemote = durable.Each(keepNothing), durable.DefaultCache
	var notices []durable.Notice
	job.Notify = func(n durable.Notice) { notices = append(notices, n) }
	if report, err := durable.Run(t.Context(), job); err != nil || report.Remote.Results != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	left := temporary(t, tmp)
	if len(left) != 1 || len(notices) != 1 || !strings.Contains(notices[0].Text, left[0]) {
		t.Errorf("left %q, notices %+v", left, notices)
	}
}

func TestAJobWithoutAnOutput(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(5)...)
	job := w.Job()
	job.Dir = w.StateDir()
	if report, err := durable.Run(t.Context(), job); err != nil || report.Succeeded != 5 {
		t.Fatalf("%+v, %v", report, err)
	}
	_, results := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec}))
	if len(results) != 5 {
		t.Errorf("%d results", len(results))
	}
}
