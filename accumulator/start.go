package accumulator

import (
	"context"
	"errors"
	"time"
)

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
// Start returns an error, and starts nothing, if the [Config] is invalid.
func (s Stage[T]) Start(ctx context.Context, handle func(context.Context, Batch[T]) error) (*Accumulator[T], error) {
	if handle == nil {
		return nil, errors.New("accumulator: start without a handler; a loop over the batches begins with Open")
	}
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
// [Accumulator.Batches]. It stops when ctx is done. Open returns an error, and
// starts nothing, if the [Config] is invalid.
func (s Stage[T]) Open(ctx context.Context) (*Accumulator[T], error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	s.cfg = s.cfg.withDefaults()
	a := &Accumulator[T]{
		stage:    s,
		plain:    s.plain(),
		gate:     make(chan struct{}, 1),
		closed:   newHandover[T](),
		wake:     make(chan struct{}, 1),
		refusing: make(chan struct{}),

		producers: make(map[*Producer[T]]struct{}),
		engine:    newEngine(s, new(meter), s.cfg.MaxPending+1),
	}
	a.engine.vacant, a.engine.emit = a.vacant, a.emit
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	a.timer = time.NewTimer(0)
	a.wg.Go(a.clock)
	return a, nil
}
