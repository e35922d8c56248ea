package durable_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// nightly returns a job that is to be run again when its input has grown.
func nightly(w *durabletest.World) durable.Job[durabletest.Ticket] {
	job := w.Job()
	job.Source = source.JSONL[durabletest.Ticket](w.Path("in.jsonl")).Growing()
	job.Batch.MaxItems, job.Append, job.ReadAll = 10, true, true
	return job
}

// Only what was added is bought, by the same output or by another one, and
// however the process ends in between.
func TestOnlyWhatWasAddedIsBought(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(60)
	w.Write("in.jsonl", all[:20]...)
	w.MustRun(nightly(w))
	if r := w.MustRun(nightly(w)); r.Rows != 20 || r.Batches != 2 || r.Earlier.Rows != 20 {
		t.Errorf("nothing was added: %+v", r)
	}
	w.Write("in.jsonl", all[:45]...)
	w.Leave(nightly(w), 1)
	if r := w.MustRun(nightly(w)); r.Rows != 45 || r.Succeeded != 45 || r.Earlier != (durable.Earlier{Rows: 20, Succeeded: 20}) || r.Duplicates != 0 {
		t.Errorf("%+v", r)
	}
	if n := len(w.Results()); n != 45 {
		t.Errorf("%d results", n)
	}
	if err := os.Rename(w.Path("out.jsonl"), w.Path("earlier.jsonl")); err != nil {
		t.Fatal(err)
	}
	w.Write("in.jsonl", all...)
	changed := nightly(w)
	changed.Settings = map[string]string{"night": "3"}
	w.DieAfter(1, changed)
	w.MustRun(changed)
	if n := len(w.Results()); n != 15 {
		t.Errorf("the new output has %d results of 15", n)
	}
	w.WantBilledOnce(60)
	n := 0
	for _, err := range w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 60 {
		t.Errorf("the archive has %d results", n)
	}
	if findings, err := doctor.Examine(t.Context(), w.StateDir()); err != nil {
		t.Errorf("%+v, %v", findings, err)
	}
	w.Rebuild()
	if r := w.MustRun(changed); r.Rows != 60 || r.Succeeded != 60 {
		t.Errorf("after the index was lost: %+v", r)
	}
	w.WantBilledOnce(60)
}

// A job that had ended does not begin anew, whatever is wrong with what was
// added.
func TestWhatWasBoughtBeforeIsNotBoughtAgain(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(30)
	w.Write("in.jsonl", all[:20]...)
	w.MustRun(nightly(w))
	w.Write("in.jsonl", append(all[:25:25], "{")...)
	if _, err := w.Run(t.Context(), nightly(w)); err == nil || !strings.Contains(err.Error(), "in.jsonl:26") {
		t.Error(err)
	}
	other := nightly(w)
	other.Settings = map[string]string{"prompt": "another"}
	if _, err := w.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "in.jsonl:26") { // nothing was kept since it ended
		t.Error(err)
	}
	w.Write("in.jsonl", append([]string{all[0], `{"id":"t-1","text":"changed"}`}, all[2:]...)...)
	if _, err := w.Run(t.Context(), nightly(w)); err == nil || !strings.Contains(err.Error(), "was changed before the place") {
		t.Error(err)
	}
	w.Write("in.jsonl", all...)
	if r := w.MustRun(nightly(w)); r.Rows != 30 || r.Succeeded != 30 {
		t.Errorf("%+v", r)
	}
	w.WantBilledOnce(30)
}

// A source that knows no place yields all again, and what is known is dropped.
func TestASourceWithoutAPlaceMayGrow(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(30)
	w.Write("b.jsonl", all[:20]...)
	job := nightly(w)
	job.Lineage = true
	job.Source = inFiles(w, "b.jsonl").Growing()
	w.MustRun(job)
	w.Write("a.jsonl", all[20:]...)
	job.Source = inFiles(w, "a.jsonl", "b.jsonl").Growing()
	if r := w.MustRun(job); r.Rows != 30 || r.Succeeded != 30 || r.Duplicates != 0 {
		t.Errorf("%+v", r)
	}
	w.WantBilledOnce(30)
	w.Write("c.jsonl", `{"id":"t-3","text":"changed"}`)
	job.Source = inFiles(w, "a.jsonl", "b.jsonl", "c.jsonl").Growing()
	_, err := w.Run(t.Context(), job)
	if !errors.Is(err, durable.ErrSameKey) || !strings.Contains(err.Error(), w.Path("b.jsonl")+":4") {
		t.Error(err)
	}
}

func TestNothingIsAddedToAJobThatWasPruned(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(5)
	w.Write("in.jsonl", all[:3]...)
	w.MustRun(nightly(w))
	if _, err := archive.Prune(t.Context(), w.StateDir(), archive.Retention{}); err != nil {
		t.Fatal(err)
	}
	w.Write("in.jsonl", all...)
	if _, err := w.Run(t.Context(), nightly(w)); err == nil || !strings.Contains(err.Error(), "were pruned") {
		t.Error(err)
	}
}

// A start that is refused leaves a job that has ended as it was.
func TestAMistakeLeavesAJobThatHasEndedAsItWas(t *testing.T) {
	t.Parallel()
	asks := func(text string) func(job *durable.Job[durabletest.Ticket]) {
		return func(job *durable.Job[durabletest.Ticket]) {
			job.Settings = map[string]string{"prompt": text}
			job.Prompt = func(t durabletest.Ticket) (llm.Chat, error) { return llm.Ask(text + t.Text), nil }
		}
	}
	for name, from := range map[string]func(w *durabletest.World) durable.Source[durabletest.Ticket]{
		"a file": func(w *durabletest.World) durable.Source[durabletest.Ticket] {
			return source.JSONL[durabletest.Ticket](w.Path("in.jsonl")).Growing()
		},
		"without a place": func(w *durabletest.World) durable.Source[durabletest.Ticket] {
			return inFiles(w, "a.jsonl", "in.jsonl").Growing()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := durabletest.New(t, simulator.Config{})
			all := durabletest.Tickets(30)
			with := func(change func(*durable.Job[durabletest.Ticket])) durable.Job[durabletest.Ticket] {
				job := nightly(w)
				job.Source = from(w)
				change(&job)
				return job
			}
			w.Write("a.jsonl")
			w.Write("in.jsonl", all[:20]...)
			w.MustRun(with(asks("Sum up: ")))
			w.Write("a.jsonl", durabletest.Others(100, 105)...)
			w.Write("in.jsonl", all...)
			if _, err := w.Run(t.Context(), with(asks("Summ up: "))); !errors.As(err, new(*durable.MismatchError)) {
				t.Error(err)
			}
			if err := os.Rename(w.Path("out.jsonl"), w.Path("kept.jsonl")); err != nil {
				t.Fatal(err)
			}
			w.Write("out.jsonl", "not of the job")
			job := with(asks("Sum up: "))
			job.Settings = map[string]string{"prompt": "Sum up: ", "out": "another"}
			if _, err := w.Run(t.Context(), job); !errors.As(err, new(*durable.MismatchError)) {
				t.Error(err)
			}
			if err := os.Rename(w.Path("kept.jsonl"), w.Path("out.jsonl")); err != nil {
				t.Fatal(err)
			}
			if r := w.MustRun(with(asks("Sum up: "))); r.Earlier.Rows != 20 || r.Succeeded != r.Rows {
				t.Errorf("%+v", r)
			}
		})
	}
}

// One that is refused later than that, with nothing kept, may be set as before,
// or forgotten.
func TestAJobToWhichNothingCameMayBeSetAsBefore(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(20)
	w.Write("in.jsonl", all...)
	job := nightly(w)
	job.Settings = map[string]string{"field": "text"}
	w.MustRun(job)
	w.Write("in.jsonl", append(all[:20:20], "{")...)
	other := nightly(w)
	other.Settings = map[string]string{"field": "txt"}
	if _, err := w.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "in.jsonl:21") {
		t.Error(err)
	}
	w.Write("in.jsonl", all...)
	if r := w.MustRun(job); r.Rows != 20 || r.Succeeded != 20 {
		t.Errorf("%+v", r)
	}
	w.Write("in.jsonl", append(all[:20:20], "{")...)
	if _, err := w.Run(t.Context(), other); err == nil {
		t.Error("a row that is none was taken")
	}
	if err := w.StateDir().Forget(t.Context(), job.Name, false); err != nil {
		t.Error(err)
	}
}

// What is added may go to a directory of its own.
func TestWhatWasAddedGoesToANewDirectory(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(30)
	for night, n := range []int{20, 30} {
		w.Write("in.jsonl", all[:n]...)
		job := nightly(w)
		files, err := durable.OpenFiles(w.Path(fmt.Sprint("night", night)))
		if err != nil {
			t.Fatal(err)
		}
		job.Dir, job.Output = w.StateDir(), files
		job.Settings = map[string]string{"night": fmt.Sprint(night)}
		report, err := durable.Run(t.Context(), job)
		if err := errors.Join(err, files.Close()); err != nil || report.Succeeded != n {
			t.Fatalf("night %d: %+v, %v", night, report, err)
		}
	}
	if found, err := os.ReadDir(w.Path("night1")); err != nil || len(found) != 10 {
		t.Errorf("%d files, %v", len(found), err)
	}
}
