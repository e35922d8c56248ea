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
	a.mu.Lock()
	if err := a.refusal; err != nil {
		a.mu.Unlock()
		return err
	}
	sealed := a.closeAll(Flush)
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
	a.quick = nil
	sealed := a.closeAll(Close)
	a.mu.Unlock()

	if err == nil {
		err = a.delivered(ctx, sealed)
	}
	if err == nil {
		a.stop(ErrClosed)
	} else {
		a.stop(fmt.Errorf("accumulator: close: %w", err))
	}
	a.wg.Wait()
	return a.leftovers(), err
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
	case <-a.stopped:
		return a.refused()
	}
}

// leftovers returns what is undelivered after everything has stopped.
func (a *Accumulator[T]) leftovers() []Batch[T] {
	left := a.failed
	for {
		select {
		case b := <-a.full:
			left = append(left, b.batch())
		default:
			return left
		}
	}
}
