package flow

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"
)

// laneRun is one run of the stage of a lane.
type laneRun[In, Out any] struct {
	box    *mailbox[In]
	closed bool
}

// startLane starts the stage and the goroutines that feed it and read it. All end with the stage's run, or with ctx.
func startLane[In, Out any](
	ctx context.Context, group *errgroup.Group, lane int, stage Stage[In, Out], answers chan<- answer[Out],
) *laneRun[In, Out] {
	run := &laneRun[In, Out]{box: newMailbox[In](math.MaxInt)} // the router bounds what is in flight
	in, out := make(chan []In, 1), make(chan []Out, 1)
	group.Go(func() error {
		defer close(in)
		return run.box.send(ctx, give(in))
	})
	group.Go(func() error {
		defer close(out)
		return runToEnd(ctx, stage, in, out)
	})
	group.Go(func() error {
		for results := range Slices(ctx, out) {
			if err := send(ctx, answers, answer[Out]{lane: lane, results: results}); err != nil {
				return err
			}
		}
		return send(ctx, answers, answer[Out]{lane: lane, over: true})
	})
	return run
}

// close ends the input of the lane.
func (r *laneRun[In, Out]) close() {
	if !r.closed {
		r.closed = true
		close(r.box.wake)
	}
}
