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
// Accumulator must be closed.
//
// While [Config.MaxPending] batches are closed and not yet delivered, no batch is
// opened and Add waits. Items added by one goroutine keep their order, as far as
// they share a key.
type Accumulator[T any] struct {
	stage  Stage[T]
	ctx    context.Context // of the handlers
	cancel context.CancelCauseFunc
	timer  *time.Timer
	wg     sync.WaitGroup
	plain  bool

	free    chan *bale[T] // delivered; has room for all bales
	full    chan *bale[T] // closed; the same, so that to close one never blocks
	pending atomic.Int64  // closed and not yet delivered
	gate    chan struct{} // held by the one who may wait for a bale or a key
	vacancy chan struct{} // a key may be free
	closing chan struct{} // Close was called

	mu        sync.Mutex
	quick     *bale[T] // the open batch, if an item may join it without ado
	engine    engine[T]
	waiting   int        // goroutines at the gate, the holder included
	holding   bool       // the one with the lock is the holder
	spares    []*bale[T] // what holders got and could not use yet
	armed     time.Time  // when the timer fires; zero if it does not
	epoch     *epoch
	producers map[*Producer[T]]struct{}
	refusal   error      // why items are no longer taken
	failed    []Batch[T] // what handlers returned an error for
}

// Start runs an Accumulator that calls handle for every batch, from
// [Config.Workers] goroutines. The context of handle is derived from ctx and
// is cancelled when the Accumulator stops before all is delivered: because ctx
// is done, because a handle returned an error, or because the context of Close
// ended. The batch belongs to handle.
//
// An error from handle is final: items are refused from then on and Close
// returns every batch that was not handled, the failed one first. Retry inside
// handle what deserves it. A panic in handle is not recovered. A handle that
// adds to its own Accumulator may wait for itself.
//
// Start returns the error of [Config.Validate].
func (s Stage[T]) Start(ctx context.Context, handle func(context.Context, Batch[T]) error) (*Accumulator[T], error) {
	a, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	for range a.stage.cfg.Workers {
		a.wg.Go(func() { a.work(handle) })
	}
	return a, nil
}

// Open runs an Accumulator whose batches are taken by the caller, see
// [Accumulator.Batches]. It stops when ctx is done. Open returns the error of
// [Config.Validate].
func (s Stage[T]) Open(ctx context.Context) (*Accumulator[T], error) {
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	s.cfg = s.cfg.withDefaults()
	bales := s.cfg.MaxPending
	if s.key != nil {
		bales += s.cfg.MaxKeys
	}
	a := &Accumulator[T]{
		stage:   s,
		plain:   s.plain(),
		free:    make(chan *bale[T], bales),
		full:    make(chan *bale[T], bales),
		gate:    make(chan struct{}, 1),
		vacancy: make(chan struct{}, 1),
		closing: make(chan struct{}),
		epoch:   newEpoch(1),

		producers: make(map[*Producer[T]]struct{}),
		engine:    newEngine(s, new(meter), s.cfg.MaxPending+1),
	}
	a.engine.fresh, a.engine.emit = a.fresh, a.emit
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.NewTimer(0)
	a.wg.Go(a.clock)
	return a, nil
}

// Add puts v into a batch. It waits while too many batches are pending, until
// ctx is done; then v was not taken and the error is the cause of ctx. When
// there is nothing to wait for ctx is not looked at.
//
// After Close the error is [ErrClosed]; after a handler failed, or the context
// of Start is done, it says so.
func (a *Accumulator[T]) Add(ctx context.Context, v T) error {
	if !a.plain {
		return a.addOne(ctx, v)
	}
	a.mu.Lock()
	if b := a.quick; b != nil && len(b.items)+1 < b.lim.items {
		b.items = append(b.items, v)
		a.mu.Unlock()
		return nil
	}
	a.mu.Unlock()
	return a.addOne(ctx, v)
}

// Stats returns figures about the batches closed so far. It may be called at
// any time.
func (a *Accumulator[T]) Stats() Stats { return a.engine.meter.stats() }
