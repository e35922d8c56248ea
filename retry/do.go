package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Do calls op until it succeeds, fails with a class other than Retryable, or
// has used all attempts. It returns nil or an error that wraps the last error
// of op.
//
// When ctx ends during a wait, Do returns at once with an error that wraps both
// [context.Cause] and the last error of op. If ctx is done from the start, op
// is not called at all. In both cases the class is Retryable, and never that of
// the cause, see [ClassIn].
//
// Never put Do around a call that creates something. Such a call is Ambiguous
// when its reply is lost, which ends Do, and must be reconciled first.
func (p Policy) Do(ctx context.Context, op func(context.Context) error) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return Mark(fmt.Errorf("retry: not started: %w", context.Cause(ctx)), Retryable)
	}
	loop := &schedule{policy: p, ctx: ctx}
	attempt := func() error {
		loop.attempts++
		loop.last = own(ctx, op(ctx))
		if loop.last == nil {
			loop.observe(0)
		}
		return loop.last
	}
	// The context must be outermost, or backoff does not see it.
	err := backoff.Retry(attempt, backoff.WithContext(loop, ctx))
	if err == nil {
		return nil
	}
	return loop.outcome(ctx)
}

// DoValue is [Policy.Do] for an op with a result. It returns the last result of
// op, also together with an error.
func DoValue[T any](ctx context.Context, p Policy, op func(context.Context) (T, error)) (T, error) {
	var value T
	err := p.Do(ctx, func(ctx context.Context) (err error) {
		value, err = op(ctx)
		return err
	})
	return value, err
}

// schedule lets a Policy drive the loop of backoff. It keeps the last error
// itself, because backoff hides it when a context ends and unwraps permanent
// ones.
type schedule struct {
	policy   Policy
	ctx      context.Context //nolint:containedctx // of the one Do that it is for
	attempts int
	last     error
}

// NextBackOff implements backoff.BackOff.
func (s *schedule) NextBackOff() time.Duration {
	delay, again := s.policy.Next(s.attempts, s.last)
	s.observe(delay)
	if !again {
		return backoff.Stop
	}
	if s.policy.Notify != nil {
		s.policy.Notify(s.attempts, s.last, delay)
	}
	return delay
}

// observe tells of the last attempt.
func (s *schedule) observe(delay time.Duration) {
	if s.last == nil || s.ctx.Err() == nil {
		observer(s.ctx)(Attempt{s.attempts, s.last, delay})
	}
}

// Reset implements backoff.BackOff. A schedule is used once.
func (s *schedule) Reset() {}

// outcome returns the error of a loop that has ended without success.
func (s *schedule) outcome(ctx context.Context) error {
	if _, again := s.policy.Next(s.attempts, s.last); !again || ctx.Err() == nil {
		if s.attempts == 1 {
			return s.last
		}
		return fmt.Errorf("retry: attempt %d: %w", s.attempts, s.last)
	}
	cause := context.Cause(ctx)
	if errors.Is(s.last, cause) {
		return fmt.Errorf("retry: stopped after attempt %d: %w", s.attempts, s.last)
	}
	err := fmt.Errorf("retry: stopped after attempt %d: %w; its error: %w", s.attempts, cause, s.last)
	return Mark(err, Retryable) // a retry was due; the class of cause is that of another call
}
