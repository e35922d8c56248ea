package durable_test

import (
	"context"
	"errors"
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

// A budget that is set while no process runs counts for the next one, as long
// as that has the limit in whose place it was set.
func TestABudgetIsRaisedBetweenProcesses(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		budgetOf := func() price.Money {
			report, err := w.Run(w.T.Context(), job)
			if spent, ok := errors.AsType[*durable.BudgetError](err); !ok || spent.Budget != report.Spending.Budget || report.Spending.Cost > spent.Budget {
				w.T.Fatalf("%v, %+v", err, report.Spending)
			}
			return report.Spending.Budget
		}
		job.Batch.MaxItems, job.Budget.Total = 10, 2*price.Cent
		budgetOf()
		if err := w.Attach().SetBudget(w.T.Context(), 4*price.Cent); err != nil {
			w.T.Fatal(err)
		}
		if got := budgetOf(); got != 4*price.Cent {
			w.T.Errorf("%s", got)
		}
		if job.Budget.Total = 5 * price.Cent; budgetOf() != job.Budget.Total {
			w.T.Error("a later start has another budget, and it does not count")
		}
		if err := w.Attach().SetBudget(w.T.Context(), 20*price.Cent); err != nil {
			w.T.Fatal(err)
		}
		if s := w.MustRun(job).Spending; s.Cost != 10*price.Cent {
			w.T.Errorf("%+v", s)
		}
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
