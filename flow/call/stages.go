package call

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

// Outcome is an item with what its call returned.
type Outcome[In, Out any] struct {
	Item  In
	Value Out
	Err   error // of the last attempt; nil if it succeeded
}

// Map returns a stage that makes a call for each item. An item whose call fails
// is no error of the stage, unless the error is Blocked: then no other call
// would pass. Use it with [flow.Parallel] to have several calls under way.
func Map[In, Out any](c *Caller, call func(context.Context, In) (Out, error)) flow.Func[In, Outcome[In, Out]] {
	return flow.Map(func(ctx context.Context, item In) (Outcome[In, Out], error) {
		value, err := Value(ctx, c, func(ctx context.Context) (Out, error) { return call(ctx, item) })
		switch {
		case ctx.Err() != nil && err != nil:
			return Outcome[In, Out]{}, context.Cause(ctx)
		case c.breaker == nil, retry.ClassOf(err) == retry.Blocked:
			return Outcome[In, Out]{}, err
		}
		return Outcome[In, Out]{item, value, err}, nil
	}).Named(c.String())
}

// Batches returns a stage that sends batches, and the rows in them again that
// failed for now. Each row comes out once: when it has succeeded, or with the
// error of its last attempt when it is given up. Batches are released. Use it
// with [flow.Parallel] to have several under way.
//
// Send returns an error or nil for each of the items, in their order; no list
// means that all have succeeded. It may instead return one error for all of
// them. An attempt for a batch is one call to the limiter and the breaker, and
// the breaker counts the one error.
//
// Dead takes each row that is given up before it comes out, see
// [retry.DeadLetters.Write]. Its error is one of the stage. Nil means that rows
// only come out. If an error is Blocked, no other call would pass: the rows
// without a result go to dead, and the error is that of the stage. As in any
// pipeline that fails, rows that have succeeded and are under way do not come
// out then: let send record what must not be sent twice.
func Batches[T any](
	c *Caller, send func(ctx context.Context, items []T) ([]error, error), dead func(retry.Row[T]) error,
) flow.Func[accumulator.Batch[T], retry.Row[T]] {
	if dead == nil {
		dead = func(retry.Row[T]) error { return nil }
	}
	return flow.FlatMap(func(ctx context.Context, b accumulator.Batch[T]) ([]retry.Row[T], error) {
		if c.breaker == nil {
			return nil, errZero
		}
		rows := retry.Rows(b.Items)
		b.Release()
		s := sending[T]{caller: c, send: send, dead: dead}
		return s.all(ctx, rows)
	}).Named(c.String())
}

// sending is one batch on its way.
type sending[T any] struct {
	caller *Caller
	send   func(context.Context, []T) ([]error, error)
	dead   func(retry.Row[T]) error
	done   []retry.Row[T]
}

// all sends rows until each is done.
func (s *sending[T]) all(ctx context.Context, rows []retry.Row[T]) ([]retry.Row[T], error) {
	s.done = make([]retry.Row[T], 0, len(rows))
	left, err := retry.DoBatch(ctx, s.caller.policy, rows, s.some, s.giveUp)
	_ = s.caller.count(err)
	switch {
	case err == nil:
		return s.done, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	for _, row := range left {
		if row.Err == nil {
			row.Err = err // it was to be sent
		}
		if failed := s.giveUp(row); failed != nil {
			return nil, fmt.Errorf("call: dead letter: %w; %w", failed, err)
		}
	}
	if retry.ClassOf(err) == retry.Ambiguous {
		return s.done, nil // they may have happened, and others go on
	}
	return nil, err
}

// giveUp is the end of a row.
func (s *sending[T]) giveUp(row retry.Row[T]) error {
	if err := s.dead(row); err != nil {
		return err
	}
	s.done = append(s.done, row)
	return nil
}

// some makes one attempt for rows, and keeps those that succeed.
func (s *sending[T]) some(ctx context.Context, rows []retry.Row[T]) (errs []error, err error) {
	items := make([]T, len(rows))
	for i, row := range rows {
		items[i] = row.Item
	}
	err = s.caller.attempt(ctx, one, func(ctx context.Context) (ratelimit.Cost, error) {
		errs, err = s.send(ctx, items)
		return one, err
	})
	switch {
	case err != nil:
		return nil, err
	case errs == nil:
		errs = make([]error, len(rows))
	case len(errs) != len(rows):
		return errs, nil // which is an error of the batch
	}
	for i, row := range rows {
		if errs[i] == nil {
			s.done = append(s.done, retry.Row[T]{Item: row.Item, Attempts: row.Attempts + 1})
		}
	}
	return errs, nil
}
