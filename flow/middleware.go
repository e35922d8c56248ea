package flow

import (
	"context"
	"slices"
)

// Middleware is called in the goroutine of a stage to run it: it calls run,
// once, and returns its error. ctx and what is made of it reach the functions
// of the stage. A source runs until its input has ended, and [Merge] runs once
// for each stream that it reads.
//
// Run returns context.Cause(ctx) when the stage was stopped, and any other
// error when it failed.
type Middleware func(ctx context.Context, stage string, run func(context.Context) error) error

// WithMiddleware has every stage run by wrap, such as to log or trace it, or to
// label its goroutine for a profile. Of several the first is the outermost. The
// stages within a [Compose] are not wrapped. It costs a call per stage, and
// gives every [Func] a goroutine of its own.
func WithMiddleware(wrap Middleware) Option {
	return func(s *settings) { s.wraps = append(s.wraps, wrap) }
}

// stage runs f, which is what a stage does, in a goroutine and in the
// middleware.
func (p *Pipeline) stage(ctx context.Context, name string, f func(context.Context) error) {
	if p.metered {
		ctx = withBusy(ctx, p.graph.busyOf(name))
	}
	for _, wrap := range slices.Backward(p.wraps) {
		inner := f
		f = func(ctx context.Context) error { return wrap(ctx, name, inner) }
	}
	p.run(ctx, name, f)
}
