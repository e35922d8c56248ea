package accumulator

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

var errUnfinished = errors.New("did not return")

// Batches returns the batches one by one, until the Accumulator is closed and
// all are delivered, or it stops for another reason. A batch counts as
// delivered when the loop comes back for the next one or ends. Several loops
// may share the batches; each batch goes to one of them. Batches is for an
// Accumulator from [Stage.Open]; one from [Stage.Start] would share them with
// its handler. A zero Accumulator has no batches, and Batches panics.
func (a *Accumulator[T]) Batches() iter.Seq[Batch[T]] {
	if a.ctx == nil {
		panic(errZero.Error())
	}
	return func(yield func(Batch[T]) bool) {
		more := false
		one := func(_ context.Context, batch Batch[T]) error {
			more = yield(batch)
			return nil
		}
		for s := a.next(nil); s != nil; {
			done := a.deliver(s, one)
			if !more {
				a.delivered(done)
				return
			}
			s = a.next(done)
		}
	}
}

func (a *Accumulator[T]) work(handle func(context.Context, Batch[T]) error) {
	for s := a.next(nil); s != nil; {
		s = a.next(a.deliver(s, handle))
	}
}

// next waits for a closed batch, after one of the epoch done was delivered, if
// that is not nil. It returns nil when the Accumulator has stopped, even if
// there are more.
func (a *Accumulator[T]) next(done *epoch) *slab[T] {
	a.closed.mu.Lock()
	defer a.closed.mu.Unlock()
	a.count(done)
	if a.ctx.Err() != nil { // and stop may not know yet
		return nil
	}
	return a.closed.wait()
}

// delivered is next without waiting.
func (a *Accumulator[T]) delivered(done *epoch) {
	a.closed.mu.Lock()
	defer a.closed.mu.Unlock()
	a.count(done)
}

// count counts out a batch of the epoch done. It needs the lock of the
// handover, as it is part of one turn of a consumer.
func (a *Accumulator[T]) count(done *epoch) {
	if done == nil {
		return
	}
	a.closed.undelivered--
	done.done()
	if a.waiting.Load() > 0 {
		a.wakeUp()
	}
}

// deliver hands over one batch and returns its epoch, which is to be told, by
// next or delivered. If to fails, or does not return at all (it panicked, or
// ended its goroutine), the batch is kept for Close, and the epoch is nil.
func (a *Accumulator[T]) deliver(s *slab[T], to func(context.Context, Batch[T]) error) (done *epoch) {
	batch, epoch := s.batch, s.epoch
	s.epoch = nil // it would keep alive all that follow it; the slab is another's once to has released it
	err := errUnfinished
	defer func() {
		if err != nil {
			a.fail(batch, err)
		}
	}()
	if err = to(a.ctx, batch); err != nil {
		return nil
	}
	return epoch
}

func (a *Accumulator[T]) fail(batch Batch[T], err error) {
	why := fmt.Errorf("handler of a batch of %d: %w", len(batch.Items), err)
	if batch.slab.released(batch.use) {
		batch.Items = nil // they may be another batch by now
	}
	a.mu.Lock()
	a.failed = append(a.failed, batch)
	a.mu.Unlock()
	a.stop(why)
}

// cause returns why all delivery has ended.
func (a *Accumulator[T]) cause() error { return context.Cause(a.ctx) }

// stop ends all delivery. Only the first reason counts.
func (a *Accumulator[T]) stop(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel(why)
	a.closed.stop()
	a.refuse(fmt.Errorf("accumulator: stopped: %w", a.cause()))
}

// refuse takes no more items, unless that is so already. It needs the lock.
func (a *Accumulator[T]) refuse(why error) {
	a.current = nil
	if a.refusal == nil {
		a.refusal = why
		close(a.refusing)
	}
}
