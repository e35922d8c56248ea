package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// firstReach is how long a run tries to reach the provider if nothing is bought
// yet. Then a person is waiting, and the address may be wrong.
const firstReach = time.Minute

// UnreachableError means that the provider did not answer, or only with errors,
// before anything was bought.
type UnreachableError struct {
	Provider string        // its host, or name
	After    time.Duration // for which it was tried
	Err      error
}

// Error says what to check.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("durable: %s could not be reached for %s, and nothing was bought: "+
		"check its address, the network and the proxy: %v", e.Provider, e.After.Round(time.Second), e.Err)
}

// Unwrap returns the error of the last attempt.
func (e *UnreachableError) Unwrap() error { return e.Err }

var errFirstReach = errors.New("no answer in time")

// reach waits until every provider of the job answers. Of several, one may be
// blocked or down if another one is neither. Once something is bought, all may
// be silent: their batches wait.
func (e *engine) reach(ctx context.Context) (err error) {
	usable, first := 0, e.untouched()
	for _, s := range e.services {
		failed := e.reachOne(ctx, s)
		switch _, silent := errors.AsType[*UnreachableError](failed); {
		case failed == nil:
			usable++
		case ctx.Err() != nil, len(e.services) == 1:
			return failed
		case silent:
			s.isDown()
			e.notices.raiseTrouble(ctx, s, intent.Intent{}, trouble{call: "check", err: failed, again: outageCooldown, lasts: true})
			if err = failed; !first {
				usable++ // its batches wait
			}
		case retry.ClassOf(failed) == retry.Blocked:
			e.blockage.blockService(ctx, s, "", failed)
			err = failed
		default:
			return failed
		}
	}
	if usable > 0 {
		return nil
	}
	return err
}

// untouched reports whether nothing is bought yet.
func (e *engine) untouched() bool { return len(e.open) == 0 && e.progress.now().Batches == 0 }

// reachOne waits until a provider answers. If something is bought, and there is
// no other, it waits for as long as that takes. It returns errCancelled if the
// run is cancelled meanwhile.
func (e *engine) reachOne(ctx context.Context, s *service) error {
	limited, stop := ctx, func() {}
	first := e.untouched()
	if first || len(e.services) > 1 {
		limited, stop = context.WithTimeoutCause(ctx, firstReach, errFirstReach)
	}
	defer stop()
	start := time.Now()
	var last error
	for n := 0; ; n++ {
		err := e.check(ctx, limited, s, first, &last)
		if err == nil {
			e.notices.clearTrouble(s)
			return nil
		}
		if limited.Err() == nil && !errors.Is(err, errCancelled) {
			if last = err; retry.ClassOf(err) == retry.Permanent || retry.ClassOf(err) == retry.Blocked {
				return err
			}
			d := e.calls.pause(n, err)
			e.notices.raiseTrouble(ctx, s, intent.Intent{}, trouble{call: "check", err: err, again: d, lasts: true, first: first})
			err = e.calls.sleep(limited, d)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case limited.Err() != nil:
			e.notices.clearTrouble(s)
			if last = cmp.Or(last, err); retry.ClassOf(last) != retry.Retryable {
				last = retry.Mark(last, retry.Retryable)
			}
			return &UnreachableError{s.info.Service(), time.Since(start), last}
		case errors.Is(err, errCancelled) && len(e.open) == 0:
			return err
		}
	}
}

// check calls the provider until the run is cancelled, and keeps the error of
// the last attempt.
func (e *engine) check(ctx, limited context.Context, s *service, first bool, last *error) error {
	wanted, stop := e.gate.untilCancelled(limited)
	defer stop()
	return s.Check(retry.Observe(wanted, func(a retry.Attempt) {
		if *last = cmp.Or(a.Err, *last); a.Delay > 0 {
			e.notices.raiseTrouble(ctx, s, intent.Intent{}, trouble{call: "check", err: a.Err, again: a.Delay, lasts: a.N > 1, first: first})
		}
	}))
}
