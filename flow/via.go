package flow

import (
	"context"

	"github.com/balerhq/baler/internal/mailbox"
)

// Via starts stage on what in carries and returns its output. A channel has one
// reader: give in to nobody else.
//
// A [Func] joins the goroutine that makes in, when that is one of a source of
// single items or of another Func. Any other stage has a goroutine of its own.
func Via[In, Out any](p *Pipeline, in <-chan []In, stage Stage[In, Out], opts ...StageOption) <-chan []Out {
	if f, ok := stage.(Func[In, Out]); ok {
		return fuse(p, in, f, opts)
	}
	ch, out := output[Out](p)
	name := p.graph.add(stageName(stage), opts, []any{in}, []any{out})
	in = inlet(p, in, borrows(stage))
	p.stage(p.stages, name, func(ctx context.Context) error {
		defer close(ch)
		return RunStage(ctx, stage, in, ch)
	})
	return out
}

// fuse adds f to the goroutine that makes in, or starts one for it and those
// that come after it.
func fuse[In, Out any](p *Pipeline, in <-chan []In, f Func[In, Out], opts []StageOption) <-chan []Out {
	l, out := outlet[Out](p)
	name := p.graph.add(f.name, opts, []any{in}, []any{out})
	f = f.stageError(name)
	if before, ok := unconnected(p, in); ok {
		before.take(f.into(l.push, busyIn(p.stages)), l.close)
		return out
	}
	p.stage(p.stages, name, func(ctx context.Context) error {
		defer l.close()
		return pump(ctx, in, f.into(l.push, busyIn(ctx)))
	})
	return out
}

// pump pushes what in carries.
func pump[T any](ctx context.Context, in <-chan []T, to push[T]) error {
	for slice := range Slices(ctx, in) {
		if _, err := to(ctx, slice); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// RunStage runs a stage inside of another one and makes sure that nil means
// that it has read everything: else the error is [ErrUnread]. It does not close
// out.
func RunStage[In, Out any](ctx context.Context, stage Stage[In, Out], in <-chan []In, out chan<- []Out) error {
	if err := stage.Run(ctx, in, out); err != nil {
		return err
	}
	if _, unread := mailbox.Receive(ctx, in); unread {
		return ErrUnread
	}
	return nil
}
