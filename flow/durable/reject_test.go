package durable_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// Items that cannot be used are left out, and told of once each, also after a
// crash and when more was added.
func TestItemsThatCannotBeUsedAreLeftOut(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(40)
	lines := append([]string{"{"}, all[:10]...)
	lines = append(lines, `{"id":"","text":"x"}`, `{"id":"t-3","text":"other"}`, "{\"id\":\"\xfc\"}")
	lines = append(lines, all[10:30]...)
	w.Write("in.jsonl", lines...)
	var got []string
	job := nightly(w)
	job.Rejects = func(rejects iter.Seq2[durable.Reject, error]) error {
		got = nil
		for r, err := range rejects {
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%d %.20s %s", r.Line, r.Reason, r.Row))
		}
		return nil
	}
	want := []string{
		`1 column 1: not valid  "{"`, `12 the item's key has 0 {"id":"","text":"x"}`, `13 id "t-3" has other c {"id":"t-3","text":"other"}`,
		`14 column 8: not valid  "{\"id\":\"ü\"}"`,
	}
	w.Leave(job, 1)
	r := w.MustRun(job)
	if diff := cmp.Diff(want, got); r.Rows != 30 || r.Rejected != 4 || r.Succeeded != 30 || diff != "" {
		t.Errorf("%+v: %s", r, diff)
	}
	w.Write("in.jsonl", append(append(lines, all[30:]...), "end")...)
	job.Source = source.JSONL[durabletest.Ticket](w.Path("in.jsonl")).Growing()
	r = w.MustRun(job)
	if diff := cmp.Diff(append(want, `45 column 1: not valid  "end"`), got); r.Rows != 40 || r.Rejected != 5 || r.Earlier.Rejected != 4 || diff != "" {
		t.Errorf("%+v: %s", r, diff)
	}
	w.WantBilledOnce(40)
}

// What is wrong with more than a row ends a job all the same.
func TestAJobWithRejectsEndsForAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.csv", "id,text", "1,a", "2,\"b", "3,c")
	job := w.Job()
	job.ReadAll = true
	job.Source = source.CSV[durabletest.Ticket](w.Path("in.csv"))
	job.Rejects = func(iter.Seq2[durable.Reject, error]) error { return nil }
	if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "in.csv:3") {
		t.Error(err)
	}
}

// All parts of the rows after a bad one are asked about.
func TestAFanOutGoesOnAfterARowThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(30)
	w.Write("in.jsonl", slices.Concat(all[:10], []string{"{"}, all[10:])...)
	job := w.Job()
	var got []durable.Reject
	job.ReadAll, job.Rejects = true, collect(&got)
	job.Source = source.FanOut(source.JSONL[durabletest.Ticket](w.Path("in.jsonl")), func(x durabletest.Ticket) ([]durabletest.Ticket, error) {
		return []durabletest.Ticket{x}, nil
	})
	r := w.MustRun(job)
	if r.Rows != 30 || r.Rejected != 1 || len(got) != 1 || got[0].Line != 11 {
		t.Errorf("%+v, %+v", r, got)
	}
}

// A source that ends at a bad row must not look as if it had been read.
func TestABadRowOfASourceThatEndsThereEndsTheJob(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	all := durabletest.Tickets(30)
	w.Write("in.jsonl", slices.Concat(all[:10], []string{"{"}, all[10:])...)
	job := w.Job()
	job.ReadAll, job.Rejects = true, collect(new([]durable.Reject))
	job.Source = durable.Through(source.JSONL[durabletest.Ticket](w.Path("in.jsonl")), flow.Filter(func(durabletest.Ticket) bool { return true }))
	if r, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "in.jsonl:11") || r.Batches != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// collect keeps what a job has left out, as of the last time that it told.
func collect(got *[]durable.Reject) func(iter.Seq2[durable.Reject, error]) error {
	return func(rejects iter.Seq2[durable.Reject, error]) error {
		*got = nil
		for r, err := range rejects {
			if err != nil {
				return err
			}
			*got = append(*got, r)
		}
		return nil
	}
}

// The first row that is kept may come after one that is too large, or after an
// input of such rows.
func TestAJobResumesAfterItsFirstRowsWereTooLarge(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	big := `{"id":"big","text":"` + strings.Repeat("x", 20000) + `"}`
	w.Write("first.jsonl", big)
	w.Write("in.jsonl", slices.Concat([]string{big}, durabletest.Tickets(30))...)
	job := w.Job()
	var got []durable.Reject
	job.ReadAll, job.Rejects, job.Batch.MaxBytes, job.Batch.MaxItems = true, collect(&got), 10000, 10
	again := func() {
		job.Source = source.Concat(source.JSONL[durabletest.Ticket](w.Path("first.jsonl")), source.JSONL[durabletest.Ticket](w.Path("in.jsonl")))
	}
	again()
	w.Leave(job, 1)
	again()
	if r := w.MustRun(job); r.Rows != 30 || r.Rejected != 2 || len(got) != 2 {
		t.Errorf("%+v, %+v", r, got)
	}
	again()
	job.Prompt = func(durabletest.Ticket) (llm.Chat, error) { return llm.Ask("something else"), nil }
	if _, err := w.Run(t.Context(), job); !isMismatch(err) {
		t.Error(err)
	}
}
