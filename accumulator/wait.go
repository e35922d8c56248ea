package accumulator

import (
	"context"
	"errors"
)

// Why an item cannot be placed yet.
var (
	errNeedBatch = errors.New("accumulator: no batch is free")
	errNeedKey   = errors.New("accumulator: all keys are in use")
)

// errNeedLimits says that PerKey is to be called, which happens under no lock.
var errNeedLimits = errors.New("accumulator: the limits of the key are not known")

func isNeed(err error) bool {
	return err != nil && (errors.Is(err, errNeedBatch) || errors.Is(err, errNeedKey))
}

// do runs attempt under the lock until it no longer fails for want of a batch
// or a key. It gives up when over is closed, which is refusing for all but
// those who end things.
func (a *Accumulator[T]) do(ctx context.Context, over <-chan struct{}, attempt func() error) error {
	a.mu.Lock()
	err := attempt()
	a.unlock(err)
	if isNeed(err) {
		return a.await(ctx, over, attempt)
	}
	return err
}

// await goes on with what do began, after a first attempt has failed and the
// caller was counted as waiting.
//
// One goroutine, the holder of the gate, waits for what it needs; the others
// wait for the gate and, once let in, mostly find that the first one has opened
// a batch with room for them. All that the holder may be waiting for comes with
// a notice, which is kept for it if it is just trying: it never sleeps past its
// chance.
func (a *Accumulator[T]) await(ctx context.Context, over <-chan struct{}, attempt func() error) error {
	defer a.waiting.Add(-1)
	select {
	case a.gate <- struct{}{}: // alone it costs a third of what it costs in a choice
	default:
		select {
		case a.gate <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			return a.refused()
		}
	}
	defer func() { <-a.gate }()
	for {
		if err := a.retry(attempt); !isNeed(err) {
			return err
		}
		select {
		case <-a.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			return a.refused()
		}
	}
}

// retry is an attempt by the holder of the gate.
func (a *Accumulator[T]) retry(attempt func() error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.holding = true
	err := attempt()
	a.holding = false
	if !isNeed(err) {
		a.overtaken = 0
	}
	a.rearm()
	return err
}

// refused returns why items are not taken.
func (a *Accumulator[T]) refused() error {
	if a.ctx.Err() != nil {
		a.stop(a.cause()) // the clock may not have noticed yet
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusal
}

// unlock ends a first attempt, counting the caller as waiting if it must wait.
func (a *Accumulator[T]) unlock(err error) {
	if isNeed(err) {
		a.waiting.Add(1)
	}
	a.rearm()
	a.mu.Unlock()
}

// rearm brings up to date what depends on the open batches.
func (a *Accumulator[T]) rearm() {
	if !a.engine.changed {
		return
	}
	a.engine.changed = false
	if a.plain && a.refusal == nil {
		a.current = a.engine.open.one
	}
	if due, ok := a.engine.open.next(); ok {
		a.arm(due)
	}
}
