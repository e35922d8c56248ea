package accumulator

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Accumulator collects items from any number of goroutines into batches, and
// hands the batches to a handler ([Stage.Start]) or to a loop ([Stage.Open],
// [Accumulator.Batches]). Its methods are safe for concurrent use. Every
// Accumulator must be closed. The zero value is not one: its methods return an
// error that says so.
//
// While [Config.MaxPending] batches are closed and not yet delivered, no batch
// is opened and Add waits. Waiting callers proceed in order of arrival, but
// AddMany and a [Producer] that need not wait may overtake them for some
// batches. Items added by one goroutine keep their order, as far as they share
// a key.
type Accumulator[T any] struct {
	stage    Stage[T]
	ctx      context.Context // of the handlers
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	wg       sync.WaitGroup
	plain    bool          // see Stage.plain; not in the cache line of mu, where it would be slow to read
	closed   *handover[T]  // batches
	gate     chan struct{} // held by the first waiting caller
	wake     chan struct{} // what that one waits for may have come
	refusing chan struct{} // closed, when there is a refusal

	mu        sync.Mutex
	current   *openBatch[T] // the open batch, if an item may join it without opening or closing one
	engine    engine[T]
	crowded   bool      // too many batches were pending when that was last asked
	holding   bool      // the one with the lock holds the gate
	single    bool      // somebody has added one by one since a batch was asked for
	overtaken int       // batches opened by others since a waiting caller got through
	armed     time.Time // when the timer fires; zero if it does not
	producers map[*Producer[T]]struct{}
	refusal   error      // why items are no longer taken
	closing   bool       // Close was called
	failed    []Batch[T] // what handlers returned an error for

	waiting atomic.Int64 // goroutines at the gate, the holder included
}

// Add puts v into a batch. It waits while too many batches are pending, until
// ctx is done; then v was not taken and the error is the cause of ctx. If Add
// need not wait, it does not check ctx.
//
// After Close the error is [ErrClosed]; after a handler failed, or the context
// of Start is done, it says so.
func (a *Accumulator[T]) Add(ctx context.Context, v T) error {
	if !a.plain {
		n := a.stage.metaOf(&v)
		a.mu.Lock()
		return a.addLocked(ctx, v, n)
	}
	a.mu.Lock()
	if b := a.current; b != nil && len(b.items)+1 < b.lim.items {
		b.items = append(b.items, v)
		a.mu.Unlock()
		return nil
	}
	return a.addLocked(ctx, v, itemMeta{})
}

// Stats returns figures about the batches closed so far. It may be called at
// any time.
func (a *Accumulator[T]) Stats() Stats {
	if a.engine.meter == nil {
		return Stats{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.engine.meter.read()
}
