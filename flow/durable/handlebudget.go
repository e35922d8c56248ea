package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/sink/llm/price"
)

// SetBudget changes Budget.Total of a run that has one. Once it returns nil,
// the new limit counts for all batches that are sealed from then on, also in
// later Runs, until one of these has another Budget.Total than the run was
// started with. Those that are open keep what they have reserved. A run that
// waits for room in its budget goes on at once if there is some now. One that
// has stopped on its budget needs another Run.
//
// The limit must be above zero; it may be below what is spent, and then nothing
// more is bought. The error is a *CancelledError for a cancelled run. About the
// end of ctx see Pause.
func (h *Handle) SetBudget(ctx context.Context, total price.Money) error {
	if total <= 0 {
		return fmt.Errorf("durable: the budget of %q is %s: must be above zero", h.name, total)
	}
	s, _, err := readStatus(h.dir)
	switch {
	case errors.Is(err, ErrNoRun):
		return fmt.Errorf("%w: %q", err, h.name)
	case err != nil:
		return err
	case s.JobBudget == 0:
		return fmt.Errorf("durable: the run %q has no budget that could be changed: run it again with one (Job.Budget, --budget)", h.name)
	}
	c, err := h.dir.Change(func(c *rundir.Control) (changed bool, err error) {
		if State(c.Want) == StateCancelled {
			return false, &CancelledError{Reason: c.Reason, At: c.At}
		}
		wanted := rundir.Budget{Total: total, InPlaceOf: s.JobBudget}
		if c.Budget != nil && *c.Budget == wanted {
			return false, nil
		}
		c.Budget, c.At = &wanted, time.Now()
		return true, nil
	})
	if err != nil {
		return err
	}
	return h.awaitApplied(ctx, c.Rev, "the budget")
}

// setBudget lets another limit count than Budget.Total, if it was set in its
// place.
func (l *ledger) setBudget(b *rundir.Budget) {
	if b == nil || b.InPlaceOf != l.prices.budget.Total {
		return
	}
	l.mu.Lock()
	changed := l.instead != b.Total
	l.instead = b.Total
	if changed {
		l.stir()
	}
	l.mu.Unlock()
	if changed {
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
