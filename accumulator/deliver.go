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
		for b := a.next(); b != nil; b = a.next() {
			more := false
			a.deliver(b, func(batch Batch[T]) error {
				more = yield(batch)
				return nil
			})
			if !more {
				return
			}
		}
	}
}

func (a *Accumulator[T]) work(handle func(context.Context, Batch[T]) error) {
	bound := func(batch Batch[T]) error { return handle(a.ctx, batch) }
	for b := a.next(); b != nil; b = a.next() {
		a.deliver(b, bound)
	}
}

// next waits for a closed batch. It returns nil when the Accumulator stopped.
func (a *Accumulator[T]) next() *openBatch[T] {
	if a.ctx.Err() != nil { // even if there are more
		return nil
	}
	select {
	case b := <-a.full: // alone it costs half of what it costs in a choice
		return b
	default:
	}
	select {
	case b := <-a.full:
		return b
	case <-a.ctx.Done():
		return nil
	}
}

// deliver hands over one batch and lets its memory be used again. If to fails,
// or does not return at all (it panicked, or ended its goroutine), the batch is
// kept for Close.
func (a *Accumulator[T]) deliver(b *openBatch[T], to func(Batch[T]) error) {
	batch, epoch := b.batch(), b.epoch
	b.epoch = nil // it would keep alive all that follow it
	err := errUnfinished
	defer func() {
		if err != nil {
			a.fail(batch, err)
			return
		}
		a.recycle(b)
		epoch.done()
	}()
	err = to(batch)
}

func (a *Accumulator[T]) fail(batch Batch[T], err error) {
	why := fmt.Errorf("handler of a batch of %d: %w", len(batch.Items), err)
	if batch.released() {
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
	a.current = nil
	if a.refusal == nil {
		a.refusal = fmt.Errorf("accumulator: stopped: %w", a.cause())
	}
}
