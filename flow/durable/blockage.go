package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// explainBlocked adds to an error what a person has to do about it.
func explainBlocked(err error) error {
	if retry.ClassOf(err) != retry.Blocked {
		return err
	}
	return fmt.Errorf("%w: nothing more is sent until somebody sees to the key, "+
		"the quota or the billing of the account: then run the job again", err)
}

// blockage ends the buying from an account that is blocked, and that of the run
// once there is no other.
type blockage struct {
	*config
	gate        *gate
	openBatches *openBatches
	notices     *notices
	batches     *batches
}

// block ends all buying from the account of a batch, because the provider has
// said about it or its rows that the account is blocked. The batches that were
// bought are awaited and delivered. Rows that other routes can take go on. Then
// the run ends with the first such error. It returns errBlocked.
func (b *blockage) block(ctx context.Context, in intent.Intent, err error) error {
	b.blockService(ctx, b.batches.serviceOf(in), in.Tag, fmt.Errorf("durable: batch %s: %w", cmp.Or(in.Batch, in.Tag), err))
	return errBlocked
}

// blockService does the same for a service.
func (b *blockage) blockService(ctx context.Context, s *service, but string, err error) {
	if !s.block(err) {
		return
	}
	s.observed(RouteBlocked, truncate(err.Error(), maxNotice))
	if b.others() {
		b.notices.raise(ctx, Notice{
			Kind: NoticeRefused, Tag: s.info.Service(), Text: fmt.Sprintf("the account at %s is blocked and nothing more is bought there: %v", s.info.Service(), err),
			Advice: "rows that other routes can take go on; the rest waits: see to the key, the quota or the billing of the account, and run the same again",
		})
		return
	}
	if !b.gate.block(err) {
		return
	}
	text := "the account is blocked and nothing more is bought"
	if n, rows := b.running(but); n > 0 {
		text += fmt.Sprintf(", while %s of %s that were bought go on at the provider", batchCount(n), rowCount(rows))
	}
	b.notices.raise(ctx, Notice{
		Kind: NoticeRefused, Text: fmt.Sprintf("%s: %v", text, err),
		Advice: "what was bought is awaited and delivered, then the run ends: " +
			"see to the key, the quota or the billing of the account, and run the same again",
	})
}

// others reports whether the account of some route is not blocked. Routes that
// are for items near their deadline alone are none at an account that is blocked
// for all others: nobody would be told until the first deadline.
func (b *blockage) others() bool {
	return slices.ContainsFunc(b.services, func(s *service) bool {
		return s.blocked() == nil && (!b.isForDeadlines(s) || !b.sharesBlocked(s))
	})
}

// isForDeadlines reports whether no item takes a route of the service that is
// not near its deadline.
func (b *blockage) isForDeadlines(s *service) bool {
	return !slices.ContainsFunc(b.own, func(r *ownRoute) bool { return r.service == s && r.within == 0 })
}

// sharesBlocked reports whether the account of a service is blocked at another.
func (b *blockage) sharesBlocked(s *service) bool {
	return slices.ContainsFunc(b.services, func(o *service) bool { return o.info.Account == s.info.Account && o.blocked() != nil })
}

// cause returns why an account is blocked, nil if none is.
func (b *blockage) cause() error {
	for _, s := range b.services {
		if err := s.blocked(); err != nil {
			return err
		}
	}
	return nil
}

// raiseBlocked says what happens to the batches that run if calls about them
// are blocked too. The run ends at once, because it cannot poll them, and loses
// nothing.
func (b *blockage) raiseBlocked(ctx context.Context, err error) {
	if retry.ClassOf(err) != retry.Blocked {
		return
	}
	n, rows := b.running("")
	if n == 0 {
		b.notices.clear(NoticeRefused, "") // all is delivered that was bought
		return
	}
	b.notices.raise(ctx, Notice{
		Kind:   NoticeRefused,
		Text:   fmt.Sprintf("the account is blocked, while %s of %s that were bought go on at the provider", batchCount(n), rowCount(rows)),
		Advice: "they are neither lost nor paid again: once the account is in order, run the same again to fetch them",
	})
}

// running counts the batches that were bought or may have been, and their rows.
// It leaves out one batch, and all that wait for a person's decision.
func (b *blockage) running(but string) (n, rows int) {
	for _, in := range b.openBatches.intents() {
		if in.Tag != but && (in.Bought() || in.Open()) && !in.Undecided {
			n, rows = n+1, rows+in.Rows
		}
	}
	return n, rows
}

// needsAction reports whether running the job again would end in the same way
// until a person has acted.
func needsAction(err error) bool {
	if e, ok := errors.AsType[*retry.Error](err); ok && (e.Class == retry.Blocked || e.Class == retry.Permanent && e.Status != 0) {
		return true
	}
	_, input := errors.AsType[*InputError](err)
	_, mismatch := errors.AsType[*MismatchError](err)
	for _, target := range []error{state.ErrDamaged, state.ErrDiskLow, state.ErrStalled, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if errors.Is(err, target) {
			return true
		}
	}
	_, budget := errors.AsType[*BudgetError](err)
	_, unknown := errors.AsType[*UnknownPriceError](err)
	_, usage := errors.AsType[*UnknownUsageError](err)
	return input || mismatch || budget || unknown || usage
}
