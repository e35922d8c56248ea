package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

func (w *world) archive(name string) *archive.Archive {
	w.t.Helper()
	a, err := archive.Open(w.path("state"), name)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := a.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return a
}

// all collects results, as the lines that an output would hold.
func all(t *testing.T, results iter.Seq2[archive.Result, error]) (lines []string, stored []archive.Result) {
	t.Helper()
	for r, err := range results {
		if err != nil {
			t.Fatal(err)
		}
		line, err := r.AppendLine(nil)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
		stored = append(stored, r)
	}
	return lines, stored
}

// lines reads the output.
func (w *world) lines() []string {
	w.t.Helper()
	b, err := os.ReadFile(w.path("out.jsonl"))
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(b)))
}

// mixed is a job of which rows go again, fail for good and fail at last.
func mixed(t *testing.T) (*world, durable.Job[ticket]) {
	t.Helper()
	w := newWorld(t, simulator.Config{Seed: 5, Rows: simulator.RowFaults{ServerError: 0.3, BadRequest: 0.05}})
	w.write("in.jsonl", tickets(1000)...)
	job := w.job()
	job.MaxAttempts = 3
	return w, job
}

func TestResultsAreThoseOfTheOutput(t *testing.T) {
	w, job := mixed(t)
	if report := w.mustRun(job); report.Failed == 0 || report.Retried == 0 {
		t.Fatalf("report %+v", report)
	}
	a := w.archive("tickets")
	got, stored := all(t, a.Results(archive.Query{Codec: w.client("sk-test")}))
	if !slices.Equal(got, w.lines()) {
		t.Errorf("%d results and %d lines of output differ", len(got), len(w.lines()))
	}
	for _, r := range stored {
		if id := fmt.Sprintf("t-%d", r.Line-1); r.ID != id {
			t.Errorf("%s is on line %d", r.ID, r.Line)
		}
	}

	got, stored = all(t, a.Results(archive.Query{Codec: w.client("sk-test"), Ordered: true}))
	for i, r := range stored {
		if r.Line != i+1 {
			t.Fatalf("result %d is of line %d", i, r.Line)
		}
	}
	want := w.lines()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Error("in the order of the input they are others")
	}
}

func TestResultsOfAStatus(t *testing.T) {
	w, job := mixed(t)
	report := w.mustRun(job)
	a := w.archive("tickets")
	for _, ordered := range []bool{false, true} {
		for status, n := range map[durable.ItemStatus]int{
			durable.Succeeded: report.Succeeded, durable.Failed: report.Failed, durable.ItemCancelled: 0, "": 1000,
		} {
			_, got := all(t, a.Results(archive.Query{Status: status, Ordered: ordered}))
			if len(got) != n {
				t.Errorf("%d are %q, want %d", len(got), status, n)
			}
			for _, r := range got {
				if status != "" && r.Status != status {
					t.Errorf("%s is %s, want %s", r.ID, r.Status, status)
				}
			}
		}
	}
	for _, err := range a.Results(archive.Query{Status: "lost"}) {
		if err == nil || !strings.Contains(err.Error(), `"lost"`) {
			t.Errorf("error %v", err)
		}
	}
}

// From any cursor on come the results that are behind it, in either order.
func TestACursorGoesOn(t *testing.T) {
	w, job := mixed(t)
	w.mustRun(job)
	a := w.archive("tickets")
	_, whole := all(t, a.Results(archive.Query{}))
	for i := 0; i < len(whole); i += 97 {
		_, rest := all(t, a.Results(archive.Query{After: whole[i].Cursor}))
		if !slices.EqualFunc(rest, whole[i+1:], sameStored) {
			t.Fatalf("after result %d come %d, want %d", i, len(rest), len(whole)-i-1)
		}
		_, ordered := all(t, a.Results(archive.Query{After: whole[i].Cursor, Ordered: true}))
		want := slices.SortedFunc(slices.Values(whole[i+1:]), func(a, b archive.Result) int { return a.Line - b.Line })
		if !slices.EqualFunc(ordered, want, func(a, b archive.Result) bool { return a.ID == b.ID }) {
			t.Fatalf("after result %d come %d in order, want %d", i, len(ordered), len(want))
		}
		if len(ordered) > 0 && ordered[0].Cursor != whole[i].Cursor {
			t.Error("in the order of the input the cursor moved on")
		}
	}
	if _, rest := all(t, a.Results(archive.Query{After: a.End()})); len(rest) > 0 {
		t.Errorf("%d results after the end", len(rest))
	}
}

func sameStored(a, b archive.Result) bool { return a.ID == b.ID && a.Cursor == b.Cursor }

func TestOddCursorsAreRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(3)...)
	w.mustRun(w.job())
	a := w.archive("tickets")
	mark, _, _ := strings.Cut(string(a.End()), ".")
	for _, c := range []string{"x", "1.2", "00000000.0.1", mark + ".9.0", mark + ".-1.0", mark + ".0.x", mark + ".0.1.2"} {
		n := 0
		for _, err := range a.Results(archive.Query{After: archive.Cursor(c)}) {
			if n++; err == nil || !strings.Contains(err.Error(), c) {
				t.Errorf("cursor %s: error %v", c, err)
			}
		}
		if n != 1 {
			t.Errorf("cursor %s: %d results", c, n)
		}
	}
}

// While the job runs, its results can be followed from outside: what an archive
// shows was delivered, and nothing is missed by going on from its end.
func TestResultsAreFollowed(t *testing.T) {
	w, job := mixed(t)
	job.Batch.MaxItems = 50
	var followed []string
	var cursor archive.Cursor
	follow := func() {
		a, err := archive.Open(w.path("state"), "tickets")
		if errors.Is(err, durable.ErrNoRun) {
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		for r, err := range a.Results(archive.Query{After: cursor}) {
			if err != nil {
				t.Error(err)
				break
			}
			followed = append(followed, r.ID)
		}
		cursor = a.End()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	job.Progress = func(durable.Progress) { follow() }
	w.mustRun(job)
	follow()
	var want []string
	for _, line := range w.lines() {
		var r durable.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		want = append(want, r.ID)
	}
	if !slices.Equal(followed, want) {
		t.Errorf("%d results were followed, %d written", len(followed), len(want))
	}
}

// leave runs the job until more than so many of its items are settled.
func (w *world) leave(job durable.Job[ticket], settled int) durable.Report {
	w.t.Helper()
	ctx, cancel := context.WithCancelCause(w.t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	job.Progress = func(p durable.Progress) {
		if p.Settled() > settled {
			cancel(enough)
		}
	}
	report, err := w.run(ctx, job)
	if !errors.Is(err, enough) {
		w.t.Fatal(err)
	}
	return report
}

// A job that was stopped has the results that were delivered, and settles the
// last chunk under the same cursors if it died before it was recorded.
func TestResultsOfAJobThatWasLeft(t *testing.T) {
	w, job := mixed(t)
	w.leave(job, 300)
	_, left := all(t, w.archive("tickets").Results(archive.Query{}))
	if len(left) != len(w.lines()) || len(left) == 1000 {
		t.Errorf("%d results, %d lines", len(left), len(w.lines()))
	}
	w.mustRun(job)
	_, now := all(t, w.archive("tickets").Results(archive.Query{}))
	if !slices.EqualFunc(now[:len(left)], left, sameStored) || len(now) != 1000 {
		t.Errorf("%d results, of which the first %d have changed", len(now), len(left))
	}
}

func TestAnUnknownRunIsNamedWithTheOthers(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(3)...)
	w.mustRun(w.job())
	_, err := archive.Open(w.path("state"), "ticket")
	if !errors.Is(err, durable.ErrNoRun) || !strings.Contains(err.Error(), `"tickets"`) {
		t.Errorf("error %v", err)
	}
	if _, err := archive.Open(w.path("nowhere"), "tickets"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A batch that was refused and bought later leaves nothing behind in the
// results.
func TestResultsOfABatchThatWasRefused(t *testing.T) {
	w := newWorld(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 4000}})
	w.write("in.jsonl", tickets(400)...)
	w.mustRun(w.job())
	if got, _ := all(t, w.archive("tickets").Results(archive.Query{Codec: w.client("sk")})); !slices.Equal(got, w.lines()) {
		t.Errorf("%d results and %d lines", len(got), len(w.lines()))
	}
}

// The rows that were the reason why a batch was refused have their results in
// it, though all others of it go again.
func TestResultsOfRowsThatValidationNamed(t *testing.T) {
	w := newWorld(t, simulator.Config{Faults: []simulator.Fault{
		invalid(1, simulator.BatchError{Code: "odd_line", Message: "m", Line: 2}),
	}})
	w.write("in.jsonl", tickets(10)...)
	if report := w.mustRun(w.job()); report.Failed != 1 || report.Succeeded != 9 {
		t.Fatalf("report %+v", report)
	}
	if got, _ := all(t, w.archive("tickets").Results(archive.Query{Codec: w.client("sk")})); !slices.Equal(got, w.lines()) {
		t.Errorf("%d results and %d lines", len(got), len(w.lines()))
	}
}

// What was damaged is said, not left out.
func TestDamagedResultsAreSaid(t *testing.T) {
	w := newWorld(t, simulator.Config{})
	w.write("in.jsonl", tickets(50)...)
	w.mustRun(w.job())
	names, err := filepath.Glob(w.path("state/job-*/results/*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ordered := range []bool{false, true} {
		var last error
		for _, err := range w.archive("tickets").Results(archive.Query{Ordered: ordered}) {
			last = err
		}
		if !errors.Is(last, state.ErrDamaged) || !strings.Contains(last.Error(), "/results/") {
			t.Errorf("error %v", last)
		}
	}
}
