package durable_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/simulator"
)

func inFiles(w *durabletest.World, names ...string) *source.Files[durabletest.Ticket] {
	var files []*source.File[durabletest.Ticket]
	for _, name := range names {
		files = append(files, source.JSONL[durabletest.Ticket](w.Path(name)))
	}
	return source.Concat(files...)
}

// Results say where an item comes from, on every way: from the run, its
// archive, and another run's answer.
func TestResultsSayWhereAnItemComesFrom(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(40)
	w.Write("a.jsonl", all[:15]...)
	w.Write("b.jsonl", append([]string{""}, all[15:]...)...)
	job := w.Job()
	job.Batch.MaxItems, job.Lineage = 10, true
	job.Source = inFiles(w, "a.jsonl", "b.jsonl")
	w.Leave(job, 1)
	job.Source = inFiles(w, "a.jsonl", "b.jsonl")
	w.MustRun(job)
	check := func(r durable.Result) {
		t.Helper()
		file, line := "a.jsonl", 0
		for i := range all {
			if !strings.Contains(all[i], `"`+r.ID+`"`) {
				continue
			}
			if line = i + 1; i >= 15 {
				file, line = "b.jsonl", i-15+2
			}
		}
		if filepath.Base(r.Source) != file || r.Line != line {
			t.Errorf("%s is from %s:%d, want %s:%d", r.ID, r.Source, r.Line, file, line)
		}
	}
	for _, r := range w.Results() {
		check(r)
	}
	n := 0
	for r, err := range w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec, Ordered: true}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		check(r.Result)
	}
	if n != 40 {
		t.Errorf("%d results in the archive", n)
	}
}

func TestAClashBetweenFilesNamesBoth(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(3)
	w.Write("a.jsonl", all...)
	w.Write("b.jsonl", all[2], `{"id":"t-1","text":"something else"}`)
	job := w.Job()
	job.Lineage, job.ReadAll = true, true
	job.Source = inFiles(w, "a.jsonl", "b.jsonl")
	_, err := w.Run(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), w.Path("b.jsonl")+":2: ") || !strings.Contains(err.Error(), "at "+w.Path("a.jsonl")+":2") {
		t.Error(err)
	}
}
