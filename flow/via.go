package flow

import "context"

// Via starts stage on what in carries and returns its output. A channel has one reader: give in to nobody else.
func Via[In, Out any](p *Pipeline, in <-chan []In, stage Stage[In, Out], opts ...StageOption) <-chan []Out {
	ch := make(chan []Out, 1)
	out := (<-chan []Out)(ch)
	name := p.build.add(stageName(stage), opts, []any{in}, []any{out})
	p.run(p.stages, name, func(ctx context.Context) error {
		defer close(ch)
		return runToEnd(ctx, stage, in, ch)
	})
	return out
}

// runToEnd runs the stage and makes sure that nil means that it has read everything.
func runToEnd[In, Out any](ctx context.Context, stage Stage[In, Out], in <-chan []In, out chan<- []Out) error {
	if err := stage.Run(ctx, in, out); err != nil {
		return err
	}
	if _, unread := receive(ctx, in); unread {
		return ErrUnread
	}
	return nil
}

// To starts a sink: do is called for every item, one at a time. Its first error aborts the pipeline.
func To[T any](p *Pipeline, in <-chan []T, do func(context.Context, T) error, opts ...StageOption) {
	sink(p, "sink", in, opts, func(ctx context.Context, slice []T) error {
		for _, item := range slice {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := do(ctx, item); err != nil {
				return err
			}
		}
		return nil
	})
}

// Discard starts a sink that drops what it reads: the end of a pipeline whose last stage has done the work.
func Discard[T any](p *Pipeline, in <-chan []T, opts ...StageOption) {
	sink(p, "discard", in, opts, func(context.Context, []T) error { return nil })
}

func sink[T any](p *Pipeline, name string, in <-chan []T, opts []StageOption, do func(context.Context, []T) error) {
	name = p.build.add(name, opts, []any{in}, nil)
	p.run(p.stages, name, func(ctx context.Context) error {
		for slice := range Slices(ctx, in) {
			if err := do(ctx, slice); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	})
}

// Chan returns the items of in one by one, for code that reads a plain channel. It is closed at the end of the stream and
// when the pipeline is aborted: [Pipeline.Wait] tells which.
func Chan[T any](p *Pipeline, in <-chan []T, opts ...StageOption) <-chan T {
	out := make(chan T, maxSlice)
	name := p.build.add("chan", opts, []any{in}, nil)
	p.run(p.stages, name, func(ctx context.Context) error {
		defer close(out)
		for slice := range Slices(ctx, in) {
			for _, item := range slice {
				if err := send(ctx, out, item); err != nil {
					return err
				}
			}
		}
		return context.Cause(ctx)
	})
	return out
}
