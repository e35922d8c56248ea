package accumulator

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

var errUnreturned = errors.New("accumulator: the batch function ended its goroutine")

// opened prepares the results of a batch. The accumulator calls it under its
// lock.
func (l *Loader[In, Out]) opened(b *openBatch[In]) {
	r := &results[Out]{ready: make(chan struct{})}
	b.slab.results, l.latest = r, r
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsent[r] = struct{}{}
}

// work calls the function for one batch after the other.
func (l *Loader[In, Out]) work() {
	for s := l.acc.next(nil); s != nil; {
		r := s.results.(*results[Out])
		s.results = nil
		if !l.take(r) {
			return // all has ended, and the callers know
		}
		s = l.acc.next(l.acc.deliver(s, func(_ context.Context, batch Batch[In]) error {
			l.answer(r, batch)
			return nil
		}))
	}
}

// take reports whether the callers of a batch wait for the function still.
func (l *Loader[In, Out]) take(r *results[Out]) (waits bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, waits = l.unsent[r]
	delete(l.unsent, r)
	return waits
}

// answer calls the function for a batch and wakes the callers.
func (l *Loader[In, Out]) answer(r *results[Out], batch Batch[In]) {
	n := len(batch.Items) // before the function can release it
	r.err = errUnreturned
	defer close(r.ready)
	r.rows, r.err = l.call(batch)
	if r.err == nil && len(r.rows) != n {
		r.err = &CountError{Items: n, Results: len(r.rows)}
	}
}

// call calls the function and makes an error of its panic.
func (l *Loader[In, Out]) call(batch Batch[In]) (rows []Result[Out], err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return l.load(l.acc.ctx, batch)
}

// end waits until the accumulator has stopped and tells the callers of the
// batches that no worker has taken.
func (l *Loader[In, Out]) end() {
	<-l.acc.ctx.Done()
	why := l.acc.refused() // no batch is opened after this
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.unsent {
		r.err = why
		close(r.ready)
	}
	clear(l.unsent)
}

// CountError is the result of each item of a batch for which the function of a
// [Loader] returned too few or too many results.
type CountError struct{ Items, Results int }

// Error returns a message with both numbers.
func (e *CountError) Error() string {
	return fmt.Sprintf("accumulator: %d results for a batch of %d: the function must return one for each item", e.Results, e.Items)
}

// PanicError is the result of each item of a batch whose function panicked in a
// [Loader].
type PanicError struct {
	Value any    // of the panic
	Stack []byte // where it happened
}

// Error names the value if it is an error of the runtime, or else its type: any
// other value may hold items.
func (e *PanicError) Error() string {
	if err, ok := e.Value.(runtime.Error); ok {
		return "accumulator: the batch function panicked: " + err.Error()
	}
	return fmt.Sprintf("accumulator: the batch function panicked with a %T: see PanicError.Value and Stack", e.Value)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
