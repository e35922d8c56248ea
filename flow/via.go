package flow

import "context"

// Via starts stage on what in carries and returns its output. A channel has one reader: give in to nobody else.
func Via[In, Out any](p *Pipeline, in <-chan []In, stage Stage[In, Out], opts ...StageOption) <-chan []Out {
	ch, out := output[Out](p)
	name := p.plan.add(stageName(stage), opts, []any{in}, []any{out})
	p.stage(p.stages, name, func(ctx context.Context) error {
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
