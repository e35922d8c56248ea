package flow

import "context"

// To starts a sink: do is called for every item, one at a time. Its first error
// aborts the pipeline.
func To[T any](p *Pipeline, in <-chan []T, do func(context.Context, T) error, opts ...StageOption) {
	sink := stateless("sink", true, func(ctx context.Context, none []struct{}, items []T) ([]struct{}, error) {
		for _, item := range items {
			if ctx.Err() != nil { // a sink has effects: not one more after a cancel
				return none, context.Cause(ctx)
			}
			if err := do(ctx, item); err != nil {
				return none, err
			}
		}
		return none, nil
	})
	name := p.graph.add(sink.name, opts, []any{in}, nil)
	in = inlet(p, in, true)
	p.stage(p.stages, name, func(ctx context.Context) error {
		return sink.Run(ctx, in, nil) // it makes nothing to send
	})
}

// Discard starts a sink that drops what it reads: the end of a pipeline whose
// last stage has done the work.
func Discard[T any](p *Pipeline, in <-chan []T, opts ...StageOption) {
	name := p.graph.add("discard", opts, []any{in}, nil)
	in = inlet(p, in, true)
	p.stage(p.stages, name, func(ctx context.Context) error {
		for range Slices(ctx, in) {
		}
		return context.Cause(ctx)
	})
}
