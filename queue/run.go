package queue

import (
	"context"
	"errors"
)

var errRunning = errors.New("queue: Run is running already")

// Run makes the queue a stage of a pipeline. It takes slices from in and sends
// the most urgent items to out whenever the next stage is ready, in slices of
// at most [Config.Slice]. While the next stage is busy, items wait inside,
// where a later one may overtake them until their slice is taken. Nothing
// lingers: an item is on offer as soon as it has come in.
//
// Run takes a whole slice when there is room for its first item, so a queue may
// exceed its capacity by the rest of one slice. When in is closed, Run delivers
// the items that are left and returns nil. A done ctx ends Run at once with the
// cause, and the items that were not delivered stay in the queue. If the queue
// is closed before in is, Run delivers the items that are left and returns
// [ErrClosed]. An item with an id that waits already ends Run with
// [ErrDuplicate].
//
// All other methods may be used meanwhile. Remove, Update and Position do not
// find the items of the slice on offer. Only one Run at a time.
func (q *Queue[T]) Run(ctx context.Context, in <-chan []T, out chan<- []T) error {
	s := stage[T]{Queue: q, in: in, out: out}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	for {
		s.offer()
		if s.in == nil && len(s.slice) == 0 {
			return s.last
		}
		if ctx.Err() != nil { // select would choose at random
			return context.Cause(ctx)
		}
		if err := s.step(ctx); err != nil {
			return err
		}
	}
}
