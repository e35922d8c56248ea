package archive_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
)

// cancelledRun is one that was left in the middle and cancelled then.
func cancelledRun(t *testing.T) (w *durabletest.World, job durable.Job[durabletest.Ticket], settled int) {
	t.Helper()
	w, job = mixed(t)
	job.Batch.MaxItems, job.MaxInFlight = 50, 2
	w.Leave(job, 300)
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := w.Run(t.Context(), job)
	var cancelled *durable.CancelledError
	if !errors.As(err, &cancelled) || report.Cancelled == 0 {
		t.Fatalf("report %+v, %v", report, err)
	}
	return w, job, report.Settled()
}

func TestWhatACancelledRunDidNotAnswer(t *testing.T) {
	t.Parallel()
	w, _, settled := cancelledRun(t)
	a := w.Archive("tickets")
	_, whole := durabletest.Collect(t, a.Results(archive.Query{}))
	_, ordered := durabletest.Collect(t, a.Results(archive.Query{Ordered: true}))
	if len(whole) != len(ordered) || len(whole) <= settled {
		t.Fatalf("%d results, %d in order, %d settled", len(whole), len(ordered), settled)
	}
	for i, r := range whole {
		if cancelled := r.Status == durable.ItemCancelled; cancelled != (i >= settled) || cancelled && r.Attempts+len(r.Response) > 0 {
			t.Fatalf("result %d is %+v", i, r)
		}
	}
	for i, r := range ordered {
		if r.Line != i+1 {
			t.Fatalf("in order, result %d is of line %d", i, r.Line)
		}
	}
	for _, ordered := range []bool{false, true} {
		_, rest := durabletest.Collect(t, a.Results(archive.Query{Status: durable.ItemCancelled, Ordered: ordered}))
		if !slices.EqualFunc(rest, whole[settled:], func(a, b archive.Result) bool { return a.ID == b.ID }) {
			t.Errorf("ordered %t: %d are cancelled", ordered, len(rest))
		}
	}
}

func TestACursorAmongTheCancelled(t *testing.T) {
	t.Parallel()
	w, _, settled := cancelledRun(t)
	a := w.Archive("tickets")
	_, whole := durabletest.Collect(t, a.Results(archive.Query{}))
	for _, i := range []int{0, settled - 2, settled - 1, settled, settled + 1, (settled + len(whole)) / 2, len(whole) - 1} {
		_, rest := durabletest.Collect(t, a.Results(archive.Query{After: whole[i].Cursor}))
		if !slices.EqualFunc(rest, whole[i+1:], sameStored) {
			t.Errorf("after result %d of %d come %d", i, len(whole), len(rest))
		}
		_, ordered := durabletest.Collect(t, a.Results(archive.Query{After: whole[i].Cursor, Ordered: true}))
		if len(ordered) != len(whole)-i-1 || !slices.IsSortedFunc(ordered, func(a, b archive.Result) int { return a.Line - b.Line }) {
			t.Errorf("after result %d of %d come %d in order", i, len(whole), len(ordered))
		}
	}
	for _, ordered := range []bool{false, true} {
		if _, rest := durabletest.Collect(t, a.Results(archive.Query{After: a.End(), Ordered: ordered})); len(rest) > 0 {
			t.Errorf("ordered %t: %d after the end", ordered, len(rest))
		}
	}
}

func TestACancelledRunIsPruned(t *testing.T) {
	t.Parallel()
	w, job, settled := cancelledRun(t)
	pruned, err := prune(w, archive.Retention{})
	if err != nil || len(pruned) != 1 || pruned[0].Name != "tickets" || payloadSize(w) != 0 {
		t.Errorf("%+v, %v", pruned, err)
	}
	report, err := w.Run(t.Context(), job)
	var cancelled *durable.CancelledError
	if !errors.As(err, &cancelled) || report.Settled() != settled {
		t.Errorf("report %+v, %v", report, err)
	}
	for _, err := range w.Archive("tickets").Results(archive.Query{}) {
		if !errors.Is(err, archive.ErrPruned) {
			t.Errorf("results: %v", err)
		}
	}
}
