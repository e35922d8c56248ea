package ratelimit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Stage lets values pass in order, as fast as a limiter allows.
type Stage[T any] struct {
	limiter *Limiter
	cost    func(T) Cost
	err     error // of the configuration, returned by Run

	passed, waited, delay atomic.Int64
}

// StageStats is what a [Stage] has done so far.
type StageStats struct {
	Passed int64         // values
	Waited int64         // values that had to wait
	Delay  time.Duration // how long they waited together
}

// New returns a stage that lets one value pass per request that c allows: an
// item, or a whole batch where batches flow. A wrong c is reported by Run.
//
// c must not limit Slots or tokens, because New cannot free or count them. Use
// [Pace] for those.
func New[T any](c Config) *Stage[T] {
	if c.Slots != 0 || c.InputTokens != 0 || c.OutputTokens != 0 {
		return &Stage[T]{err: errors.New("ratelimit: New paces by Config.Requests alone: use Pace with a limiter and a cost")}
	}
	limiter, err := NewLimiter(c)
	return &Stage[T]{limiter: limiter, cost: oneRequest[T], err: err}
}

// Pace returns a stage that takes the cost of each value from a limiter, which
// may have other users. The stage downstream that makes the call settles the
// cost, above all if it has Slots.
func Pace[T any](limiter *Limiter, cost func(T) Cost) *Stage[T] {
	return &Stage[T]{limiter: limiter, cost: cost}
}

func oneRequest[T any](T) Cost { return Cost{Requests: 1} }

// String names the stage in errors and graphs.
func (s *Stage[T]) String() string { return "ratelimit" }

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (s *Stage[T]) Stats() StageStats {
	return StageStats{Passed: s.passed.Load(), Waited: s.waited.Load(), Delay: time.Duration(s.delay.Load())}
}

// Run forwards in to out until in is closed or ctx is done, as a stage of a
// pipeline does. Values that may pass together stay together. Run owns the
// slices that it receives. It returns [context.Cause] of a ctx that has ended.
func (s *Stage[T]) Run(ctx context.Context, in <-chan []T, out chan<- []T) error {
	switch {
	case s.err != nil:
		return s.err
	case s.limiter == nil || s.cost == nil:
		return errors.New("ratelimit: a stage without a limiter or a cost: make it with New or Pace")
	}
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case values, ok := <-in:
			if !ok {
				return nil
			}
			if err := s.forward(ctx, values, out); err != nil {
				return err
			}
		}
	}
}

// forward sends values in as few pieces as the limiter allows. It sends the
// values that may pass before it waits for the next.
func (s *Stage[T]) forward(ctx context.Context, values []T, out chan<- []T) error {
	passed := 0
	for i, v := range values {
		w := s.limiter.enter(PriorityNormal, s.cost(v))
		if w == nil {
			continue
		}
		began := time.Now()
		if err := s.send(ctx, out, values[passed:i:i]); err != nil {
			s.limiter.leave(w)
			return err
		}
		passed = i
		if err := s.limiter.await(ctx, w); err != nil {
			return context.Cause(ctx)
		}
		s.waited.Add(1)
		s.delay.Add(int64(time.Since(began)))
	}
	return s.send(ctx, out, values[passed:])
}

// send delivers values unless ctx is done. A select alone would choose at
// random.
func (s *Stage[T]) send(ctx context.Context, out chan<- []T, values []T) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(values) == 0 {
		return nil
	}
	select {
	case out <- values:
		s.passed.Add(int64(len(values)))
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
