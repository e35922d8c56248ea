package durable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/journal"
	"github.com/balerhq/baler/sink/simulator"
)

// A directory of an older version is refused before anything is bought, with
// what to do, and stays as it is.
func TestAnOlderVersionIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	w.MustRun(w.Job())
	for what, older := range map[string]string{"without a version": "", "of another version": `"v":2,`} {
		rewriteJournal(t, w, func(line []byte) []byte {
			return regexp.MustCompile(`"v":\d+,`).ReplaceAll(line, []byte(older))
		})
		old := readFile(t, filepath.Join(w.JobDir(), jobdir.JournalFile))
		_, err := w.Run(t.Context(), w.Job())
		if err == nil || !strings.Contains(err.Error(), "finish the run with the version that began it") || errors.As(err, new(*durable.MismatchError)) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := archive.Open(w.StateDir(), "tickets"); err == nil || !strings.Contains(err.Error(), "version that began it") {
			t.Errorf("%s, archive: %v", what, err)
		}
		if got := readFile(t, filepath.Join(w.JobDir(), jobdir.JournalFile)); !bytes.Equal(got, old) {
			t.Errorf("%s: the journal was touched", what)
		}
		rewriteJournal(t, w, func(line []byte) []byte {
			line = regexp.MustCompile(`"v":\d+,`).ReplaceAll(line, nil)
			return append(fmt.Appendf(nil, `{"v":%d,`, jobdir.LineVersion), line[1:]...)
		})
	}
	if report := w.MustRun(w.Job()); report.Cached != 20 {
		t.Errorf("with the version back: %+v", report)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rewriteJournal writes the journal of the job anew, with other lines.
func rewriteJournal(t *testing.T, w *durabletest.World, edit func(line []byte) []byte) {
	t.Helper()
	root, err := os.OpenRoot(w.JobDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var lines [][]byte
	job := jobdir.Meta{}
	keep := func(record []byte) error {
		if len(lines) == 0 {
			var first struct{ Job jobdir.Meta }
			if err := json.Unmarshal(record, &first); err != nil {
				return err
			}
			job = first.Job
		}
		lines = append(lines, bytes.Clone(record))
		return nil
	}
	if err := journal.Read(root, jobdir.JournalFile, "", keep); err != nil {
		t.Fatal(err)
	}
	if err := root.Remove(jobdir.JournalFile); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(root, jobdir.JournalFile, job.ID, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if err := j.Append(json.RawMessage(edit(line))); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Rows that are in no batch yet go to the model that the job has now; those
// that are sealed keep theirs.
func TestAnotherModelAnswersWhatIsNotSealed(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(40)...)
	job := w.Job()
	job.Batch.MaxItems, job.MaxInFlight = 10, 1
	w.Leave(job, 1)
	sealed := len(w.Server.Batches())
	job.Model = "gpt-other"
	report := w.MustRun(job)
	var models []string
	answered := 0
	for _, r := range report.Routes {
		models = append(models, r.Model)
		answered += r.Succeeded
	}
	if diff := cmp.Diff([]string{"gpt-test", "gpt-other"}, models); diff != "" || answered != 40 || report.Routes[0].Succeeded != sealed*10 {
		t.Errorf("%s; routes %+v, %d batches were sealed", diff, report.Routes, sealed)
	}
	if sum := report.Routes[0].Usage.Add(report.Routes[1].Usage); sum != report.Usage {
		t.Errorf("usage %+v, of routes %+v", report.Usage, sum)
	}
	w.WantBilledOnce(40)
}

// What comes with an item comes back with its result, wherever that goes.
func TestMetaComesBackWithTheResult(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(30)...)
	job := w.Job()
	job.Meta = func(t durabletest.Ticket) any { return map[string]string{"of": t.ID} }
	w.MustRun(job)
	got, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec}))
	ordered, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec, Ordered: true}))
	for _, line := range append(append(got, ordered...), w.Lines()...) {
		id := strings.Split(line, `"`)[3]
		if !strings.Contains(line, `"meta":{"of":"`+id+`"}`) {
			t.Fatalf("line %s", line)
		}
	}
	if len(got) != 30 || len(ordered) != 30 {
		t.Errorf("%d and %d results", len(got), len(ordered))
	}
	job = w.Job()
	job.Meta = func(durabletest.Ticket) any { return strings.Repeat("x", 5000) }
	w = durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(1)...)
	job.Source = w.Job().Source
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "in.jsonl:1") || !strings.Contains(err.Error(), "at most 4096") {
		t.Errorf("error %v", err)
	}
}

func TestWhereLeavesItemsOut(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(30)...)
	job := w.Job()
	kept := 0
	job.Where = func(t durabletest.Ticket) bool { return strings.HasSuffix(t.ID, "3") }
	report := w.MustRun(job)
	for _, line := range w.Lines() {
		if !strings.HasSuffix(strings.Split(line, `"`)[3], "3") {
			t.Errorf("line %s", line)
		}
		kept++
	}
	if kept != 3 || report.Rows != 3 || report.Filtered != 27 {
		t.Errorf("%d lines, report %+v", kept, report)
	}
}
