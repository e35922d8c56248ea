package durable_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// losing buys 30 rows in batches of ten, of which some fail, keeps the results
// and loses the directory. The output is moved to old.jsonl.
func losing(t *testing.T, test func(w *airtight, job durable.Job[ticket])) {
	t.Helper()
	bubble(t, simulator.Config{Answer: failSevens}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(30)...)
		job := w.job()
		job.Batch.MaxItems, job.KeepRemote, job.MaxAttempts = 10, durable.KeepForever, 1
		if report := w.mustRun(job); report.Succeeded != 27 || report.Failed != 3 {
			w.t.Fatalf("report %+v", report)
		}
		if err := os.RemoveAll(w.path("state")); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Rename(w.path("out.jsonl"), w.path("old.jsonl")); err != nil {
			w.t.Fatal(err)
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

// ingest reads the input, which then differs from what was bought.
func (w *airtight) ingest(job durable.Job[ticket], rows ...string) {
	w.t.Helper()
	w.write("in.jsonl", rows...)
	if _, err := w.with(w.t.Context(), job, durable.Ingest[ticket]); err != nil {
		w.t.Fatal(err)
	}
}

func (w *airtight) inStore(do func(store *state.Dir) error) {
	w.t.Helper()
	store, err := state.Open(w.path("state"), state.Config{Log: quiet})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	if err := do(store); err != nil {
		w.t.Fatal(err)
	}
}

// adopt adds up what becomes of the orphans.
func (w *airtight) adopt(job durable.Job[ticket]) (adopted int, lost durable.Lost, left []string) {
	w.t.Helper()
	w.inStore(func(store *state.Dir) error {
		all, err := durable.Adopt(w.t.Context(), w.provider, store, job.Name, time.Now().Add(-time.Hour))
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
		return err
	})
	return adopted, lost, left
}

// What cannot be brought back has a reason and a number.
func TestAdoptTellsWhatIsLost(t *testing.T) {
	more := append(tickets(25), `{"id":"new","text":"x"}`)
	for name, test := range map[string]struct {
		change  func(*airtight, *durable.Job[ticket])
		adopted int
		lost    durable.Lost
		left    string // of one of the batches
	}{
		"rows that failed, or are not in the input": {
			change: func(*airtight, *durable.Job[ticket]) {}, adopted: 23, lost: durable.Lost{Failed: 3, Unknown: 4},
		},
		"another model": {
			change: func(_ *airtight, job *durable.Job[ticket]) { job.Model = "another" },
			lost:   durable.Lost{Failed: 3, Unknown: 4, OtherModel: 23}, left: "no row of the run waits for one of its answers",
		},
		"results that are gone": {
			change: func(w *airtight, _ *durable.Job[ticket]) {
				id := w.server.Batches()[0].ID
				if err := w.provider.Remove(w.t.Context(), sink.Handle{Batch: id}); err != nil {
					w.t.Fatal(err)
				}
			},
			adopted: 14, lost: durable.Lost{Gone: 10, Failed: 2, Unknown: 4}, left: "gone at the provider",
		},
	} {
		t.Run(name, func(t *testing.T) {
			losing(t, func(w *airtight, job durable.Job[ticket]) {
				test.change(w, &job)
				w.ingest(job, more...)
				adopted, lost, left := w.adopt(job)
				if diff := cmp.Diff(test.lost, lost); diff != "" || adopted != test.adopted || lost.Total() == 0 {
					w.t.Errorf("%d adopted, left %v:\n%s", adopted, left, diff)
				}
				if !strings.Contains(strings.Join(left, "; "), test.left) {
					w.t.Errorf("left %q", left)
				}
			})
		})
	}
}

// An old output brings back what the provider no longer has.
func TestResultsOfAnOldOutputAreAdopted(t *testing.T) {
	losing(t, func(w *airtight, job durable.Job[ticket]) {
		for _, b := range w.server.Batches() {
			if err := w.provider.Remove(w.t.Context(), sink.Handle{Batch: b.ID}); err != nil {
				w.t.Fatal(err)
			}
		}
		old, err := os.ReadFile(w.path("old.jsonl"))
		if err != nil {
			w.t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(string(old), "\n"), "\n")
		damaged := "\ufeff" + strings.Join(lines, "") + "\n" + lines[0] + "\n\nno JSON\n" +
			`{"id":"t-1","status":"succeeded","batch":"b"}` + "\n" + lines[3][:20]
		if err := os.WriteFile(w.path("old.jsonl"), []byte(damaged), 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.ingest(job, append(tickets(25), `{"id":"new","text":"x"}`)...)
		adopt := func() (a durable.OutputAdoption) {
			w.inStore(func(store *state.Dir) (err error) {
				a, err = durable.AdoptOutput(w.t.Context(), w.provider, store, job.Name, w.path("old.jsonl"))
				return err
			})
			return a
		}
		a := adopt()
		numbers := make([]int, len(a.Lines))
		for i, l := range a.Lines {
			numbers[i] = l.Line
		}
		a.Lines = nil
		want := durable.OutputAdoption{Adopted: 23, Failed: 3, Unknown: 4, Repeated: 1, Unusable: 3}
		if diff := cmp.Diff(want, a); diff != "" || fmt.Sprint(numbers) != "[34 35 36]" {
			w.t.Errorf("lines %v:\n%s", numbers, diff)
		}
		if again := adopt(); again.Adopted != 0 || again.Settled != 23 {
			w.t.Errorf("once more: %+v", again)
		}
		bought := len(w.server.Batches())
		report := w.mustRun(job)
		if report.Succeeded != 24 || report.FromCache != 23 || report.Failed != 2 {
			w.t.Errorf("report %+v", report)
		}
		got := w.results()
		for _, line := range lines {
			id, _, _ := strings.Cut(line[len(`{"id":"`):], `"`)
			r, known := got[id]
			if known && r.Error == nil && (!r.Cached || !strings.Contains(line, string(r.Response)) || !strings.Contains(line, r.Batch)) {
				w.t.Errorf("%s is %+v, and was %s", id, r, line)
			}
		}
		if n := len(w.server.Batches()); n != bought+1 {
			w.t.Errorf("%d batches, %d before", n, bought)
		}
		if n := len(w.archived(job.Name)); n != 26 {
			w.t.Errorf("%d results in the archive", n)
		}
	})
}

func (w *airtight) archived(name string) (all []archive.Result) {
	w.t.Helper()
	for r, err := range w.archive(name).Results(archive.Query{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Uploads that no batch was made from are found, but for young ones and those that
// a run is about to use.
func TestUploadsWithoutABatchAreFound(t *testing.T) {
	bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *airtight) {
		w.write("in.jsonl", tickets(10)...)
		job := w.job()
		job.KeepRemote = durable.KeepForever
		w.mustRun(job) // whose upload has a batch
		upload := func(tag string) string {
			spec := sink.Spec{Tag: tag, Endpoint: "/v1/chat/completions", Model: "gpt-test"}
			file, err := w.provider.Upload(w.t.Context(), spec, func(yield func(sink.Row, error) bool) {
				yield(sink.Row{ID: tag, Body: []byte(`{"model":"gpt-test"}`)}, nil)
			})
			if err != nil {
				w.t.Fatal(err)
			}
			return file
		}
		lost := upload("ABCDEFGHIJKLMNOP")
		upload("somebody-else")
		other := w.job() // is about to use one
		other.Name, other.Source = "other", job.Source
		w.write("in.jsonl", tickets(9)...)
		w.setFaults(simulator.Fault{Route: createBatch, Action: simulator.Fail, Status: 403})
		if _, err := w.run(w.t.Context(), other); err == nil {
			w.t.Fatal("the creation was refused")
		}
		find := func() (found []string) {
			w.inStore(func(store *state.Dir) error {
				files, err := durable.OrphanFiles(w.t.Context(), w.provider, store, time.Minute)
				for _, f := range files {
					found = append(found, f.File)
				}
				return err
			})
			return found
		}
		if found := find(); len(found) != 0 {
			w.t.Errorf("too young: %v", found)
		}
		time.Sleep(2 * time.Minute)
		if diff := cmp.Diff([]string{lost}, find()); diff != "" {
			w.t.Error(diff)
		}
	})
}
