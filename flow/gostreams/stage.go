package gostreams

import (
	"context"
	"fmt"
	"strings"

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
	return stage[In, Out]{f}
}

// stage is a go-streams Flow as a stage.
type stage[In, Out any] struct{ flow streams.Flow }

// String names the stage after the type of the Flow.
func (s stage[In, Out]) String() string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", s.flow), "*flow.")
	name, _, _ = strings.Cut(name, "[")
	return "gostreams " + name
}

// Run makes it a flow.Stage.
func (s stage[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Out) error {
	ctx, stop := context.WithCancelCause(ctx)
	written := make(chan error, 1)
	go func() { written <- writeAll(ctx, in, s.flow.In()) }()

	err := reader[Out](s.flow.Out())(ctx, out)
	stop(err) // now or never: a writer that is still busy writes to a Flow that has ended
	discard(s.flow.Out())
	if unsent := <-written; err == nil && unsent != nil {
		return flow.ErrUnread
	}
	return err
}
