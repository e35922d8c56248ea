package durable

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
)

// advise tells what to do about an error that somebody has to act on.
func advise(err error) error {
	if retry.ClassOf(err) != retry.Blocked {
		return err
	}
	return fmt.Errorf("%w: nothing more is sent until somebody sees to the key, "+
		"the quota or the billing of the account: then run the job again", err)
}

// tellBlocked says what becomes of the batches that run while the account is
// blocked: the run ends at once, since somebody has to know, and loses nothing.
func (e *engine) tellBlocked(ctx context.Context, err error) {
	if retry.ClassOf(err) != retry.Blocked {
		return
	}
	n, rows := 0, 0
	for _, in := range e.board.intents() {
		if in.Bought() {
			n, rows = n+1, rows+in.Rows
		}
	}
	if n == 0 {
		return
	}
	e.tell(ctx, Notice{
		Kind:   NoticeRefused,
		Text:   fmt.Sprintf("the account is blocked, while %d batches of %d rows that were bought go on at the provider", n, rows),
		Advice: "nothing of them is lost or paid again: run the same again, when somebody has seen to the account, and they are fetched",
	})
}

// needsAction reports whether running the job again would end in the same way
// until somebody has done something about it.
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
	return input || mismatch
}
