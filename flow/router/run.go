package router

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/internal/mailbox"
)

// routeRun is one run of the stage of a route.
type routeRun[In, Out any] struct {
	box    *mailbox.Mailbox[In]
	closed bool
}

// startRoute starts the stage and the goroutines that feed it and read it. All
// end with the stage's run, or with ctx.
func startRoute[In, Out any](
	ctx context.Context, group *errgroup.Group, route int, stage flow.Stage[In, Out], answers chan<- answer[Out],
) *routeRun[In, Out] {
	run := &routeRun[In, Out]{box: mailbox.New[In](math.MaxInt)} // the router bounds what is in flight
	in, out := make(chan []In, 1), make(chan []Out, 1)
	group.Go(func() error {
		defer close(in)
		return run.box.Send(ctx, give(in))
	})
	group.Go(func() error {
		defer close(out)
		return flow.RunStage(ctx, stage, in, out)
	})
	group.Go(func() error {
		for results := range flow.Slices(ctx, out) {
			if err := send(ctx, answers, answer[Out]{route: route, results: results}); err != nil {
				return err
			}
		}
		return send(ctx, answers, answer[Out]{route: route, over: true})
	})
	return run
}

// close ends the input of the route.
func (r *routeRun[In, Out]) close() {
	if !r.closed {
		r.closed = true
		r.box.Close()
	}
}

// give sends slices on out to a reader that owns them.
func give[T any](out chan<- []T) mailbox.Push[T] {
	return func(ctx context.Context, slice []T) ([]T, error) { return nil, flow.Send(ctx, out, slice) }
}

// send sends v unless ctx is done.
func send[T any](ctx context.Context, out chan<- T, v T) error {
	select {
	case out <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
