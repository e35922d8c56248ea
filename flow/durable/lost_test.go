package durable_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// losing buys 30 rows in batches of ten, of which some fail, keeps the results
// and loses the directory. The output is moved to old.jsonl.
func losing(t *testing.T, test func(w *durabletest.World, job durable.Job[durabletest.Ticket])) {
	t.Helper()
	durabletest.Bubble(t, simulator.Config{Answer: failSevens}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(30)...)
		job := w.Job()
		job.Batch.MaxItems, job.KeepRemote, job.MaxAttempts = 10, durable.KeepForever, 1
		if report := w.MustRun(job); report.Succeeded != 27 || report.Failed != 3 {
			w.T.Fatalf("report %+v", report)
		}
		if err := os.RemoveAll(w.Path("state")); err != nil {
			w.T.Fatal(err)
		}
		if err := os.Rename(w.Path("out.jsonl"), w.Path("old.jsonl")); err != nil {
			w.T.Fatal(err)
		}
		test(w, job)
	})
}

// failSevens is a model that refuses tickets whose number ends in 7.
func failSevens(r simulator.Row) simulator.Reply {
	if strings.Contains(string(r.Body), `7"`) {
		return simulator.Reply{Error: &simulator.RowError{Status: 400, Code: "seven"}}
	}
	return simulator.Echo(r)
}

// ingestRows reads the input, which then differs from what was bought.
func ingestRows(w *durabletest.World, job durable.Job[durabletest.Ticket], rows ...string) {
	w.T.Helper()
	w.Write("in.jsonl", rows...)
	if _, err := w.With(w.T.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		w.T.Fatal(err)
	}
}

// adoptOrphans adds up what becomes of the orphans.
func adoptOrphans(w *durabletest.World, job durable.Job[durabletest.Ticket]) (adopted int, lost durable.Lost, left []string) {
	w.T.Helper()
	all, err := w.StateDir().Adopt(w.T.Context(), w.Provider, job.Name, time.Now().Add(-time.Hour))
	if err != nil {
		w.T.Fatal(err)
	}
	for _, a := range all {
		adopted += a.Adopted
		lost.Gone += a.Lost.Gone
		lost.Running += a.Lost.Running
		lost.Failed += a.Lost.Failed
		lost.Unknown += a.Lost.Unknown
		lost.OtherModel += a.Lost.OtherModel
		if a.Left != "" {
			left = append(left, a.Left)
		}
	}
	return adopted, lost, left
}

// What cannot be brought back has a reason and a number.
func TestAdoptTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	more := append(durabletest.Tickets(25), `{"id":"new","text":"x"}`)
	for name, test := range map[string]struct {
		change  func(*durabletest.World, *durable.Job[durabletest.Ticket])
		adopted int
		lost    durable.Lost
		left    string // of one of the batches
	}{
		"rows that failed, or are not in the input": {
			change: func(*durabletest.World, *durable.Job[durabletest.Ticket]) {}, adopted: 23, lost: durable.Lost{Failed: 3, Unknown: 4},
		},
		"another model": {
			change: func(_ *durabletest.World, job *durable.Job[durabletest.Ticket]) { job.Model = "another" },
			lost:   durable.Lost{Failed: 3, Unknown: 4, OtherModel: 23}, left: "no row of the run waits for one of its answers",
		},
		"results that are gone": {
			change: func(w *durabletest.World, _ *durable.Job[durabletest.Ticket]) {
				id := w.Server.Batches()[0].ID
				if err := w.Provider.Remove(w.T.Context(), sink.Handle{Batch: id}); err != nil {
					w.T.Fatal(err)
				}
			},
			adopted: 14, lost: durable.Lost{Gone: 10, Failed: 2, Unknown: 4}, left: "gone at the provider",
		},
	} {
		t.Run(name, func(t *testing.T) {
			losing(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
				test.change(w, &job)
				ingestRows(w, job, more...)
				adopted, lost, left := adoptOrphans(w, job)
				if diff := cmp.Diff(test.lost, lost); diff != "" || adopted != test.adopted || lost.Total() == 0 {
					w.T.Errorf("%d adopted, left %v:\n%s", adopted, left, diff)
				}
				if !strings.Contains(strings.Join(left, "; "), test.left) {
					w.T.Errorf("left %q", left)
				}
			})
		})
	}
}

// An old output brings back what the provider no longer has.
func TestResultsOfAnOldOutputAreAdopted(t *testing.T) {
	t.Parallel()
	losing(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		for _, b := range w.Server.Batches() {
			if err := w.Provider.Remove(w.T.Context(), sink.Handle{Batch: b.ID}); err != nil {
				w.T.Fatal(err)
			}
		}
		old, err := os.ReadFile(w.Path("old.jsonl"))
		if err != nil {
			w.T.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(string(old), "\n"), "\n")
		damaged := "\ufeff" + strings.Join(lines, "") + "\n" + lines[0] + "\n\nno JSON\n" +
			`{"id":"t-1","status":"succeeded","batch":"b"}` + "\n" + lines[3][:20]
		if err := os.WriteFile(w.Path("old.jsonl"), []byte(damaged), 0o600); err != nil {
			w.T.Fatal(err)
		}
		ingestRows(w, job, append(durabletest.Tickets(25), `{"id":"new","text":"x"}`)...)
		adopt := func() durable.OutputAdoption {
			a, err := w.StateDir().AdoptOutput(w.T.Context(), w.Provider, job.Name, w.Path("old.jsonl"))
			if err != nil {
				w.T.Fatal(err)
			}
			return a
		}
		a := adopt()
		numbers := slices.Sorted(maps.Keys(a.Lines))
		a.Lines = nil
		want := durable.OutputAdoption{Adopted: 23, Failed: 3, Unknown: 4, Repeated: 1, Unusable: 3}
		if diff := cmp.Diff(want, a); diff != "" || fmt.Sprint(numbers) != "[34 35 36]" {
			w.T.Errorf("lines %v:\n%s", numbers, diff)
		}
		if again := adopt(); again.Adopted != 0 || again.Settled != 23 {
			w.T.Errorf("once more: %+v", again)
		}
		bought := len(w.Server.Batches())
		report := w.MustRun(job)
		if report.Succeeded != 24 || report.FromCache != 23 || report.Failed != 2 {
			w.T.Errorf("report %+v", report)
		}
		got := w.Results()
		for _, line := range lines {
			id, _, _ := strings.Cut(line[len(`{"id":"`):], `"`)
			r, known := got[id]
			if known && r.Error == nil && (!r.Cached || !strings.Contains(line, string(r.Response)) || !strings.Contains(line, r.Batch)) {
				w.T.Errorf("%s is %+v, and was %s", id, r, line)
			}
		}
		if n := len(w.Server.Batches()); n != bought+1 {
			w.T.Errorf("%d batches, %d before", n, bought)
		}
		if n := len(archived(w, job.Name)); n != 26 {
			w.T.Errorf("%d results in the archive", n)
		}
	})
}

func archived(w *durabletest.World, name string) (all []archive.Result) {
	w.T.Helper()
	for r, err := range w.Archive(name).Results(archive.Query{}) {
		if err != nil {
			w.T.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Uploads that no batch was made from are found, but for young ones and those
// that a run is about to use.
func TestUploadsWithoutABatchAreFound(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		job := w.Job()
		job.KeepRemote = durable.KeepForever
		w.MustRun(job) // whose upload has a batch
		upload := func(tag string) string {
			spec := sink.Spec{Tag: tag, Endpoint: "/v1/chat/completions", Model: "gpt-test"}
			file, err := w.Provider.Upload(w.T.Context(), spec, func(yield func(sink.Row, error) bool) {
				yield(sink.Row{ID: tag, Body: []byte(`{"model":"gpt-test"}`)}, nil)
			})
			if err != nil {
				w.T.Fatal(err)
			}
			return file
		}
		lost := upload("ABCDEFGHIJKLMNOP")
		upload("somebody-else")
		other := w.Job() // is about to use one
		other.Name, other.Source = "other", job.Source
		w.Write("in.jsonl", durabletest.Tickets(9)...)
		w.SetFaults(simulator.Fault{Route: createBatch, Action: simulator.ActionFail, Status: 403})
		if _, err := w.Run(w.T.Context(), other); err == nil {
			w.T.Fatal("the creation was refused")
		}
		find := func() (found []string) {
			files, err := w.StateDir().OrphanFiles(w.T.Context(), w.Provider, time.Minute)
			if err != nil {
				w.T.Fatal(err)
			}
			for _, f := range files {
				found = append(found, f.File)
			}
			return found
		}
		if found := find(); len(found) != 0 {
			w.T.Errorf("too young: %v", found)
		}
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]string{lost}, find()); diff != "" {
			w.T.Error(diff)
		}
	})
}
