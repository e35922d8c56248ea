package durable_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm/price"
)

// A budget that is raised while the run waits for room in it lets the same
// process go on, also if another one raises it.
func TestABudgetIsRaisedInALiveProcess(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Batch.MaxItems, job.Budget.Total = 10, 3*price.Cent
		var raised atomic.Int64
		job.Notify = func(n durable.Notice) {
			if n.Kind != durable.NoticeBudget || raised.Add(1) > 1 {
				return
			}
			h := w.Attach()
			if err := h.SetBudget(w.T.Context(), 20*price.Cent); err != nil {
				w.T.Error(err)
			}
			if s := mustStatus(w.T, h); s.Spending.Budget != 20*price.Cent {
				w.T.Errorf("%+v", s.Spending)
			}
		}
		if s := w.MustRun(job).Spending; raised.Load() == 0 || s.Cost != 10*price.Cent || s.Budget != 20*price.Cent {
			w.T.Errorf("%+v", s)
		}
	})
}

// A budget that is set while no process runs counts for the next ones, until one
// is started with another limit than before. That is told, and it does not come
// back with the old limit.
func TestABudgetIsRaisedBetweenProcesses(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		told := ""
		job.Notify = func(n durable.Notice) {
			if n.Kind == durable.NoticeBudget && n.Tag != "" {
				told = n.Text
			}
		}
		start := func(given, counts price.Money, tells bool) {
			w.T.Helper()
			job.Budget.Total, told = given, ""
			report, err := w.Run(w.T.Context(), job)
			if spent, ok := errors.AsType[*durable.BudgetError](err); !ok || spent.Budget != counts || report.Spending.Budget != counts {
				w.T.Fatalf("%v, %+v: want %s", err, report.Spending, counts)
			}
			if s := mustStatus(w.T, w.Attach()); s.Spending.Budget != counts {
				w.T.Errorf("the status says %s, want %s", s.Spending.Budget, counts)
			}
			if (told != "") != tells {
				w.T.Errorf("told: %q", told)
			}
		}
		set := func(total price.Money) {
			w.T.Helper()
			if err := w.Attach().SetBudget(w.T.Context(), total); err != nil {
				w.T.Fatal(err)
			}
		}
		job.Batch.MaxItems = 10
		start(2*price.Cent, 2*price.Cent, false)
		set(4 * price.Cent)
		start(2*price.Cent, 4*price.Cent, false)
		start(5*price.Cent, 5*price.Cent, true)
		start(2*price.Cent, 2*price.Cent, false)
		start(5*price.Cent, 5*price.Cent, false)
		set(3 * price.Cent)
		start(5*price.Cent, 3*price.Cent, false)
		set(20 * price.Cent)
		if s := w.MustRun(job).Spending; s.Cost != 10*price.Cent {
			w.T.Errorf("%+v", s)
		}
	})
}

// What was set for a run does not count for the one that begins anew under its
// name.
func TestABudgetThatWasSetIsNotThatOfAFreshRun(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Budget.Total, job.Cache, job.KeepRemote = 2*price.Cent, -1, durable.KeepForever
		start := func(want price.Money) {
			w.T.Helper()
			report, err := w.Run(w.T.Context(), job)
			if _, over := errors.AsType[*durable.BudgetError](err); !over || report.Spending.Budget != want {
				w.T.Fatalf("%v, %+v: want %s", err, report, want)
			}
		}
		start(2 * price.Cent)
		if err := w.Attach().SetBudget(w.T.Context(), 4*price.Cent); err != nil {
			w.T.Fatal(err)
		}
		start(4 * price.Cent)
		job.Fresh, job.Source = true, w.Job().Source
		if err := os.Remove(w.Path("out.jsonl")); err != nil {
			w.T.Fatal(err)
		}
		start(2 * price.Cent)
	})
}

func TestABudgetThatCannotBeSet(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		ctx, stop := context.WithCancelCause(w.T.Context())
		job.Notify, job.Progress = nil, func(durable.Progress) { stop(durabletest.ErrEnough) }
		if _, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) {
			w.T.Fatal(err)
		}
		h := w.Attach()
		if err := h.SetBudget(w.T.Context(), 0); err == nil || !strings.Contains(err.Error(), "above zero") {
			w.T.Error(err)
		}
		if err := h.SetBudget(w.T.Context(), price.USD); err == nil || !strings.Contains(err.Error(), "has no budget") {
			w.T.Error(err)
		}
		if err := h.Cancel(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
		job.Budget.Total, job.Progress = price.USD, nil
		if _, err := w.Run(w.T.Context(), job); !errors.As(err, new(*durable.CancelledError)) {
			w.T.Fatal(err)
		}
		if err := h.SetBudget(w.T.Context(), 2*price.USD); !errors.As(err, new(*durable.CancelledError)) {
			w.T.Error(err)
		}
	})
}
