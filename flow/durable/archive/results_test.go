package archive_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// mixed is a job of which rows go again, fail for good and fail at last.
func mixed(t *testing.T) (*durabletest.World, durable.Job[durabletest.Ticket]) {
	t.Helper()
	w := durabletest.New(t, simulator.Config{Seed: 5, Rows: simulator.RowFaults{ServerError: 0.3, BadRequest: 0.05}})
	w.Write("in.jsonl", durabletest.Tickets(1000)...)
	job := w.Job()
	job.MaxAttempts = 3
	job.Guard.PauseAbove = 1 // as many rows fail as are to
	return w, job
}

func TestResultsAreThoseOfTheOutput(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	if report := w.MustRun(job); report.Failed == 0 || report.Retried == 0 {
		t.Fatalf("report %+v", report)
	}
	a := w.Archive("tickets")
	got, stored := durabletest.Collect(t, a.Results(archive.Query{Codec: w.Client("sk-test").Info().Codec}))
	if !slices.Equal(got, w.Lines()) {
		t.Errorf("%d results and %d lines of output differ", len(got), len(w.Lines()))
	}
	for _, r := range stored {
		if id := fmt.Sprintf("t-%d", r.Line-1); r.ID != id {
			t.Errorf("%s is on line %d", r.ID, r.Line)
		}
	}

	got, stored = durabletest.Collect(t, a.Results(archive.Query{Codec: w.Client("sk-test").Info().Codec, Ordered: true}))
	for i, r := range stored {
		if r.Line != i+1 {
			t.Fatalf("result %d is of line %d", i, r.Line)
		}
	}
	want := w.Lines()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Error("in the order of the input they are others")
	}
}

func TestResultsOfAStatus(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	report := w.MustRun(job)
	a := w.Archive("tickets")
	for _, ordered := range []bool{false, true} {
		for status, n := range map[durable.ItemStatus]int{
			durable.ItemSucceeded: report.Succeeded, durable.ItemFailed: report.Failed, durable.ItemCancelled: 0, "": 1000,
		} {
			_, got := durabletest.Collect(t, a.Results(archive.Query{Status: status, Ordered: ordered}))
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
	t.Parallel()
	w, job := mixed(t)
	w.MustRun(job)
	a := w.Archive("tickets")
	_, whole := durabletest.Collect(t, a.Results(archive.Query{}))
	for i := 0; i < len(whole); i += 97 {
		_, rest := durabletest.Collect(t, a.Results(archive.Query{After: whole[i].Cursor}))
		if !slices.EqualFunc(rest, whole[i+1:], sameStored) {
			t.Fatalf("after result %d come %d, want %d", i, len(rest), len(whole)-i-1)
		}
		_, ordered := durabletest.Collect(t, a.Results(archive.Query{After: whole[i].Cursor, Ordered: true}))
		want := slices.SortedFunc(slices.Values(whole[i+1:]), func(a, b archive.Result) int { return a.Line - b.Line })
		if !slices.EqualFunc(ordered, want, func(a, b archive.Result) bool { return a.ID == b.ID }) {
			t.Fatalf("after result %d come %d in order, want %d", i, len(ordered), len(want))
		}
		if len(ordered) > 0 && ordered[0].Cursor != whole[i].Cursor {
			t.Error("in the order of the input the cursor moved on")
		}
	}
	if _, rest := durabletest.Collect(t, a.Results(archive.Query{After: a.End()})); len(rest) > 0 {
		t.Errorf("%d results after the end", len(rest))
	}
}

func sameStored(a, b archive.Result) bool { return a.ID == b.ID && a.Cursor == b.Cursor }

func TestOddCursorsAreRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	w.MustRun(w.Job())
	a := w.Archive("tickets")
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
	t.Parallel()
	w, job := mixed(t)
	job.Batch.MaxItems = 50
	var followed []string
	var cursor archive.Cursor
	follow := func() {
		a, err := archive.Open(w.StateDir(), "tickets")
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
	w.MustRun(job)
	follow()
	var want []string
	for _, line := range w.Lines() {
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

// A job that was stopped has the results that were delivered, and settles the
// last chunk under the same cursors if it died before it was recorded.
func TestResultsOfAJobThatWasLeft(t *testing.T) {
	t.Parallel()
	w, job := mixed(t)
	w.Leave(job, 300)
	_, left := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{}))
	if len(left) != len(w.Lines()) || len(left) == 1000 {
		t.Errorf("%d results, %d lines", len(left), len(w.Lines()))
	}
	w.MustRun(job)
	_, now := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{}))
	if !slices.EqualFunc(now[:len(left)], left, sameStored) || len(now) != 1000 {
		t.Errorf("%d results, of which the first %d have changed", len(now), len(left))
	}
}

func TestAnUnknownRunIsNamedWithTheOthers(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(3)...)
	w.MustRun(w.Job())
	_, err := archive.Open(w.StateDir(), "ticket")
	if !errors.Is(err, durable.ErrNoRun) || !strings.Contains(err.Error(), `"tickets"`) {
		t.Errorf("error %v", err)
	}
	if _, err := archive.Open(w.OpenDir("nowhere"), "tickets"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A batch that was refused and bought later leaves nothing behind in the
// results.
func TestResultsOfABatchThatWasRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Limits: simulator.Limits{EnqueuedTokens: 4000}})
	w.Write("in.jsonl", durabletest.Tickets(400)...)
	w.MustRun(w.Job())
	if got, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Client("sk").Info().Codec})); !slices.Equal(got, w.Lines()) {
		t.Errorf("%d results and %d lines", len(got), len(w.Lines()))
	}
}

// The rows that were the reason why a batch was refused have their results in
// it, though all others of it go again.
func TestResultsOfRowsThatValidationNamed(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Faults: []simulator.Fault{
		{Route: "POST /v1/batches", Action: simulator.ActionInvalid, Times: 1, Errors: []simulator.BatchError{{Code: "odd_line", Message: "m", Line: 2}}},
	}})
	w.Write("in.jsonl", durabletest.Tickets(10)...)
	if report := w.MustRun(w.Job()); report.Failed != 1 || report.Succeeded != 9 {
		t.Fatalf("report %+v", report)
	}
	if got, _ := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Codec: w.Client("sk").Info().Codec})); !slices.Equal(got, w.Lines()) {
		t.Errorf("%d results and %d lines", len(got), len(w.Lines()))
	}
}

// What was damaged is said, not left out.
func TestDamagedResultsAreSaid(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(50)...)
	w.MustRun(w.Job())
	names, err := filepath.Glob(w.Path("state/job-*/results/*"))
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
		for _, err := range w.Archive("tickets").Results(archive.Query{Ordered: ordered}) {
			last = err
		}
		if !errors.Is(last, state.ErrDamaged) || !strings.Contains(last.Error(), "/results/") {
			t.Errorf("error %v", last)
		}
	}
}
