package flow

import "context"

// Compose makes one stage of a part of a pipeline, such as a route of a router:
// build adds stages that read in, and returns the output of the last. It is
// called once per Run.
func Compose[In, Out any](build func(p *Pipeline, in <-chan []In) <-chan []Out) Stage[In, Out] {
	return named[In, Out]{name: "compose", StageFunc: func(ctx context.Context, in <-chan []In, out chan<- []Out) error {
		p := New(ctx)
		made := inlet(p, build(p, in), false)
		stopped := forward(ctx, made, out)
		if err := p.Wait(); err != nil {
			return err
		}
		return stopped
	}}
}

// forward sends all of in on out.
func forward[T any](ctx context.Context, in <-chan []T, out chan<- []T) error {
	for slice := range Slices(ctx, in) {
		if err := Send(ctx, out, slice); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
