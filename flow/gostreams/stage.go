package gostreams

import (
	"context"

	"github.com/reugn/go-streams"

	"github.com/balerhq/baler/flow"
)

// Stage makes a go-streams Flow a stage, to be used once, as the Flow is. What
// the Flow sends must be Out or []Out: anything else ends the stage with a
// [*TypeError].
//
// When the stage is cancelled or fails, it closes the Flow's inlet and drops
// what still comes out of it, so that the Flow's goroutines can end; it returns
// when they have closed the outlet.
func Stage[In, Out any](f streams.Flow) flow.Stage[In, Out] {
	return flow.StageFunc[In, Out](func(ctx context.Context, in <-chan []In, out chan<- []Out) error {
		ctx, stop := context.WithCancelCause(ctx)
		written := make(chan error, 1)
		go func() { written <- writeAll(ctx, in, f.In()) }()

		err := reader[Out](f.Out())(ctx, out)
		stop(err) // now or never: a writer that is still busy writes to a Flow that has ended
		discard(f.Out())
		if unsent := <-written; err == nil && unsent != nil {
			return flow.ErrUnread
		}
		return err
	})
}
