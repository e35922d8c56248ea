package accumulator

import (
	"context"
	"fmt"
)

// Flush closes all open batches, however small, and waits until every batch
// closed so far is delivered. It returns the cause of ctx if that is done first
// (the batches stay closed and will be delivered), or why the Accumulator
// stopped. A handler must not call Flush: it would wait for itself.
func (a *Accumulator[T]) Flush(ctx context.Context) error {
	if a.ctx == nil {
		return errZero
	}
	if err := a.moveAll(ctx, a.refusing); err != nil {
		return err
	}
	a.mu.Lock()
	if err := a.refusal; err != nil {
		a.mu.Unlock()
		return err
	}
	sealed := a.closeAll(ReasonFlush)
	a.mu.Unlock()
	return a.awaitEpoch(ctx, sealed)
}

// Close refuses further items, closes all open batches and waits until every
// batch is delivered. If ctx is done first, the contexts of the handlers are
// cancelled, and Close waits for those to return.
//
// Nothing is lost: what was taken and not delivered, because ctx was done, a
// handler failed or the context of Start was cancelled, is returned together
// with the error. A second Close returns [ErrClosed]. A handler must not call
// Close.
func (a *Accumulator[T]) Close(ctx context.Context) (undelivered []Batch[T], err error) {
	if a.ctx == nil {
		return nil, errZero
	}
	a.mu.Lock()
	if a.closing {
		a.mu.Unlock()
		return nil, ErrClosed
	}
	a.closing = true
	err = a.refusal
	a.refuse(ErrClosed)
	a.mu.Unlock()

	if err == nil {
		err = a.drain(ctx)
	}
	a.stop(ErrClosed)
	a.wg.Wait()
	return a.leftovers(), err
}

// drain delivers all that was taken.
func (a *Accumulator[T]) drain(ctx context.Context) error {
	err := a.moveAll(ctx, a.ctx.Done())
	if err == nil {
		a.mu.Lock()
		sealed := a.closeAll(ReasonClose)
		a.mu.Unlock()
		err = a.awaitEpoch(ctx, sealed)
	}
	if err == nil {
		return nil
	}
	if a.ctx.Err() != nil {
		err = a.cause() // not that it is closed, which is all the others need to know
	}
	return fmt.Errorf("accumulator: close: %w", err)
}

// moveAll moves what the producers hold into batches.
func (a *Accumulator[T]) moveAll(ctx context.Context, over <-chan struct{}) error {
	for _, p := range a.handles() {
		if err := a.do(ctx, over, func() error { return p.move(0) }); err != nil {
			return err
		}
	}
	return nil
}

// closeAll closes all open batches and returns the epoch to wait for.
func (a *Accumulator[T]) closeAll(why Reason) *epoch {
	a.engine.closeAll(why)
	return a.closed.seal()
}

func (a *Accumulator[T]) awaitEpoch(ctx context.Context, e *epoch) error {
	select {
	case <-e.ready:
		return nil
	default:
	}
	select {
	case <-e.ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-a.ctx.Done():
		return a.cause()
	}
}

// leftovers returns what is undelivered after everything has stopped.
func (a *Accumulator[T]) leftovers() []Batch[T] {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := a.failed
	a.failed = nil
	for s := a.closed.tryNext(); s != nil; s = a.closed.tryNext() {
		left = append(left, s.batch)
	}
	a.engine.vacant = func() bool { return true }
	a.engine.emit = func(s *slab[T]) { left = append(left, s.batch) }
	for p := range a.producers {
		_ = p.move(0) // a batch may always be opened now
	}
	a.engine.closeAll(ReasonClose)
	return left
}
