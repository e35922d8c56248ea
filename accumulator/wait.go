package accumulator

import (
	"context"
	"errors"
)

// Why an item cannot be placed yet.
var (
	errNeedBale = errors.New("accumulator: no batch is free")
	errNeedKey  = errors.New("accumulator: all keys are in use")
)

func isNeed(err error) bool {
	return err != nil && (errors.Is(err, errNeedBale) || errors.Is(err, errNeedKey))
}

// do runs attempt under the lock until it no longer fails for want of a bale
// or a key.
func (a *Accumulator[T]) do(ctx context.Context, closing <-chan struct{}, attempt func() error) error {
	a.mu.Lock()
	err := attempt()
	a.unlock(err)
	if isNeed(err) {
		return a.await(ctx, closing, attempt)
	}
	return err
}

// await goes on with what do began, after a first attempt has failed. The
// caller was counted in a.waiting under the lock under which it failed: from
// then on nobody but the holder of the gate takes bales from a.free, so a bale
// that comes cannot be opened behind the back of the one who waits for it.
//
// One goroutine waits for a bale; the others wait for the gate and, once let in,
// mostly find that the first one has opened a batch with room for them. Bales
// are never put back to be fought for again.
func (a *Accumulator[T]) await(ctx context.Context, closing <-chan struct{}, attempt func() error) error {
	defer a.leave()
	select {
	case a.gate <- struct{}{}:
		defer func() { <-a.gate }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-closing:
		return ErrClosed
	case <-a.ctx.Done():
		return a.refused()
	}
	var got *bale[T]
	for {
		var free <-chan *bale[T]
		var vacancy <-chan struct{}
		switch err := a.retry(attempt, got); {
		case errors.Is(err, errNeedBale):
			free = a.free
		case errors.Is(err, errNeedKey):
			vacancy = a.vacancy
		default:
			return err
		}
		select {
		case got = <-free:
		case <-vacancy:
			got = nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-closing:
			return ErrClosed
		case <-a.ctx.Done():
			return a.refused()
		}
	}
}

// retry is an attempt by the holder of the gate, which got a bale or nil.
func (a *Accumulator[T]) retry(attempt func() error, got *bale[T]) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if got != nil {
		a.spares = append(a.spares, got)
	}
	a.holding = true
	err := attempt()
	a.holding = false
	a.tidy()
	return err
}

func (a *Accumulator[T]) leave() {
	a.mu.Lock()
	a.waiting--
	a.mu.Unlock()
}

// refused returns why items are not taken, when the context has ended.
func (a *Accumulator[T]) refused() error {
	a.stop(a.cause()) // the clock may not have noticed yet
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refusal
}

// unlock ends a first attempt, counting the caller as waiting if it must wait.
func (a *Accumulator[T]) unlock(err error) {
	if isNeed(err) {
		a.waiting++
	}
	a.tidy()
	a.mu.Unlock()
}

// tidy brings up to date what depends on the open batches.
func (a *Accumulator[T]) tidy() {
	if !a.engine.changed {
		return
	}
	a.engine.changed = false
	if a.plain && a.refusal == nil {
		a.quick = a.engine.open.one
	}
	if due, ok := a.engine.open.next(); ok {
		a.arm(due)
	}
}
