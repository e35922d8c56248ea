package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/sink/llm/price"
)

// SetBudget changes Budget.Total of a run that has one. Once it returns nil,
// the new limit counts for all batches that are sealed from then on, also in
// later starts with the same Budget.Total. It counts no more, even if that
// Budget.Total comes back, once the run was started with another one, which
// raises a Notice then, or anew (Job.Fresh). Batches that are open keep what
// they have reserved. A run that waits for room in its budget goes on at once if
// there is some now. One that has stopped on its budget needs another Run.
//
// The limit must be above zero; it may be below what is spent, and then nothing
// more is bought. The error is a *CancelledError for a cancelled run. About the
// end of ctx see Pause.
func (h *Handle) SetBudget(ctx context.Context, total price.Money) error {
	if total <= 0 {
		return fmt.Errorf("durable: the budget of %q is %s: must be above zero", h.name, total)
	}
	if _, err := h.Status(); err != nil {
		return err
	}
	c, err := h.dir.Change(func(c *rundir.Control) (changed bool, err error) {
		switch {
		case State(c.Want) == StateCancelled:
			return false, &CancelledError{Reason: c.Reason, At: c.At}
		case c.Budget == nil || c.Budget.Given == 0:
			return false, fmt.Errorf("durable: the run %q has no budget that could be changed: run it again with one (Job.Budget, --budget)", h.name)
		case c.Budget.Set == total:
			return false, nil
		}
		c.Budget.Set, c.At = total, time.Now()
		return true, nil
	})
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, "the budget")
}

// otherBudget is the tag of the notice about a limit that counts no more.
const otherBudget = "another budget"

// give notes the limit that the job is started with. It says so if that replaces
// one which was set.
func (l *ledger) give(ctx context.Context) error {
	limit := l.prices.budget.Total
	b, dropped, err := l.dir.Give(limit)
	if err != nil {
		return err
	}
	l.setBudget(b.Instead())
	if dropped == 0 {
		return nil
	}
	now := "without one"
	if limit > 0 {
		now = "with " + limit.String()
	}
	l.notices.raise(ctx, Notice{
		Kind: NoticeBudget, Tag: otherBudget,
		Text:   fmt.Sprintf("the budget of %s that was set for the run counts no more, because the run is started %s now, which is another one than before", dropped, now),
		Advice: "set it again if it is to count (Handle.SetBudget, baler budget)",
	})
	return nil
}

// setBudget lets another limit count than Budget.Total, unless it is zero.
func (l *ledger) setBudget(instead price.Money) {
	l.mu.Lock()
	changed := l.instead != instead
	l.instead = instead
	if changed {
		l.stir()
	}
	l.mu.Unlock()
	if changed {
		l.notices.clear(NoticeBudget, otherBudget)
		l.publish()
	}
}

// total returns the limit of the job, zero if there is none. The caller holds
// mu.
func (l *ledger) total() price.Money {
	if l.instead > 0 {
		return l.instead
	}
	return l.prices.budget.Total
}
