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
	if err := a.moveAll(ctx, a.closing); err != nil {
		return err
	}
	a.mu.Lock()
	if err := a.refusal; err != nil {
		a.mu.Unlock()
		return err
	}
	sealed := a.closeAll(ReasonFlush)
	a.mu.Unlock()
	return a.delivered(ctx, sealed)
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
	select {
	case <-a.closing:
		a.mu.Unlock()
		return nil, ErrClosed
	default:
	}
	close(a.closing)
	err = a.refusal
	if err == nil {
		a.refusal = ErrClosed
	}
	a.current = nil
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
	err := a.moveAll(ctx, nil)
	if err == nil {
		a.mu.Lock()
		sealed := a.closeAll(ReasonClose)
		a.mu.Unlock()
		err = a.delivered(ctx, sealed)
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
func (a *Accumulator[T]) moveAll(ctx context.Context, closing <-chan struct{}) error {
	for _, p := range a.handles() {
		if err := a.do(ctx, closing, func() error { return p.move(0) }); err != nil {
			return err
		}
	}
	return nil
}

// closeAll closes all open batches and returns the epoch to wait for.
func (a *Accumulator[T]) closeAll(why Reason) *epoch {
	a.engine.closeAll(why)
	sealed := a.epoch
	a.epoch = sealed.seal()
	return sealed
}

func (a *Accumulator[T]) delivered(ctx context.Context, e *epoch) error {
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
	for len(a.full) > 0 {
		left = append(left, (<-a.full).batch())
	}
	a.engine.fresh = func() *openBatch[T] { return newOpenBatch[T]() }
	a.engine.emit = func(b *openBatch[T]) { left = append(left, b.batch()) }
	for p := range a.producers {
		_ = p.move(0) // there is always a fresh batch now
	}
	a.engine.closeAll(ReasonClose)
	return left
}
