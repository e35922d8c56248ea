package retry

import (
	"context"
	"fmt"
	"time"
)

// Row is an item of a batch with its history so far.
type Row[T any] struct {
	Item     T
	Attempts int   // calls that it was part of
	Err      error // of the last attempt; nil if it succeeded or was not tried
}

// Rows returns rows that were not tried yet.
func Rows[T any](items []T) []Row[T] {
	rows := make([]Row[T], len(items))
	for i, item := range items {
		rows[i].Item = item
	}
	return rows
}

// DoBatch sends rows until each has succeeded or is given up. It retries only
// the failed rows, together, after the longest of their delays. Each row has
// its own count of attempts. [Policy.Notify] is told of the row that waits
// longest.
//
// Send returns an error or nil for each of its rows, in their order, or one
// error for all of them. It may keep the rows. A row whose error is Permanent,
// or Retryable for the last time, goes to dead, see [DeadLetters.Write].
//
// The undecided rows are in left, and err says why: an error was Blocked, so
// sending more is no use; one was Ambiguous, so its row must be looked up
// first; ctx ended; or dead failed. Both are nil together. A row is never in
// two places: it succeeds, is dead or is left.
func DoBatch[T any](
	ctx context.Context, p Policy, rows []Row[T],
	send func(context.Context, []Row[T]) ([]error, error),
	dead func(Row[T]) error,
) (left []Row[T], err error) {
	if err := p.Validate(); err != nil {
		return rows, err
	}
	b := batch[T]{policy: p, pending: rows, dead: dead}
	for len(b.pending) > 0 {
		if ctx.Err() != nil {
			return b.stop(b.ended(context.Cause(ctx)))
		}
		errs, err := send(ctx, b.pending)
		if err == nil && len(errs) != len(b.pending) {
			return b.stop(fmt.Errorf("retry: %d results for %d rows", len(errs), len(b.pending)))
		}
		if err := b.settle(ctx, errs, err); err != nil {
			return b.stop(err)
		}
		if len(b.pending) > 0 {
			b.wait(ctx)
		}
	}
	return b.stop(nil)
}

// batch is the state of one DoBatch.
type batch[T any] struct {
	policy  Policy
	dead    func(Row[T]) error
	pending []Row[T] // to be sent
	unsure  []Row[T] // Ambiguous
	slowest Row[T]   // of the pending ones, that with the longest delay
	delay   time.Duration
}

// settle decides about every pending row and keeps those to be retried. Its
// error is a reason to stop.
func (b *batch[T]) settle(ctx context.Context, errs []error, all error) (stop error) {
	sent := b.pending
	b.pending, b.delay = nil, 0
	for i, row := range sent {
		row.Attempts++
		row.Err = all
		if all == nil {
			row.Err = errs[i]
		}
		if row.Err = own(ctx, row.Err); row.Err == nil {
			continue
		}
		if err := b.decide(row); stop == nil {
			stop = err
		}
	}
	return stop
}

func (b *batch[T]) decide(row Row[T]) error {
	if delay, again := b.policy.Next(row.Attempts, row.Err); again {
		b.pending = append(b.pending, row)
		if delay >= b.delay {
			b.delay, b.slowest = delay, row
		}
		return nil
	}
	class := b.policy.withDefaults().Classify(row.Err)
	if class == Ambiguous {
		b.unsure = append(b.unsure, row)
		return nil
	}
	if class == Blocked {
		b.pending = append(b.pending, row)
		return row.Err
	}
	if err := b.dead(row); err != nil {
		b.pending = append(b.pending, row)
		return fmt.Errorf("retry: dead letter: %w", err)
	}
	return nil
}

// wait waits until the pending rows are due.
func (b *batch[T]) wait(ctx context.Context) {
	if b.policy.Notify != nil {
		b.policy.Notify(b.slowest.Attempts, b.slowest.Err, b.delay)
	}
	sleep(ctx, b.delay)
}

// ended returns the reason to stop for a done ctx. Its class is that of the
// rows. The class of the cause belongs to another call.
func (b *batch[T]) ended(cause error) error {
	class := Retryable
	if len(b.unsure) > 0 {
		class = Ambiguous
	}
	return Mark(fmt.Errorf("retry: %d rows left: %w", len(b.pending)+len(b.unsure), cause), class)
}

// stop returns the undecided rows, in the order of sending. Without another
// reason, unsure rows are one.
func (b *batch[T]) stop(reason error) ([]Row[T], error) {
	if reason == nil && len(b.unsure) > 0 {
		reason = fmt.Errorf("retry: %d rows may have happened: %w", len(b.unsure), b.unsure[0].Err)
	}
	return append(b.unsure, b.pending...), reason
}

// sleep waits for d or the end of ctx, whichever is first.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
