package flow

import (
	"context"
	"iter"

	"github.com/balerhq/baler/internal/mailbox"
)

// From starts a source that sends what seq yields. Cancelling the pipeline
// stops it at the next item: a seq that may block must watch a context itself.
func From[T any](p *Pipeline, seq iter.Seq[T], opts ...StageOption) <-chan []T {
	return fromItems(p, opts, func(ctx context.Context, box *mailbox.Mailbox[T]) error {
		for item := range seq {
			if err := box.Put(ctx, p.stages, &item); err != nil {
				return err
			}
		}
		return nil
	})
}

// FromSeq2 is [From] for a seq that can fail, such as one that reads a file.
// The first error aborts the pipeline.
func FromSeq2[T any](p *Pipeline, seq iter.Seq2[T, error], opts ...StageOption) <-chan []T {
	return fromItems(p, opts, func(ctx context.Context, box *mailbox.Mailbox[T]) error {
		for item, err := range seq {
			if err != nil {
				return err
			}
			if err := box.Put(ctx, p.stages, &item); err != nil {
				return err
			}
		}
		return nil
	})
}

// FromChan starts a source that sends what arrives on ch, until ch is closed.
// Items that arrive while the next stage is busy travel together.
func FromChan[T any](p *Pipeline, ch <-chan T, opts ...StageOption) <-chan []T {
	return fromItems(p, opts, func(ctx context.Context, box *mailbox.Mailbox[T]) error {
		for {
			item, ok := mailbox.Receive(ctx, ch)
			if !ok {
				return context.Cause(ctx)
			}
			if err := box.Put(ctx, p.stages, &item); err != nil {
				return err
			}
		}
	})
}

// FromFunc starts a source that sends slices itself, by the rules of [Stage].
// It is for input that comes in slices anyway, and for input that ctx must be
// able to interrupt.
func FromFunc[T any](p *Pipeline, produce func(ctx context.Context, out chan<- []T) error, opts ...StageOption) <-chan []T {
	ch, out := output[T](p)
	name := p.graph.add("source", opts, nil, []any{out})
	p.stage(p.inputs, name, func(ctx context.Context) error {
		defer close(ch)
		return produce(ctx, ch)
	})
	return out
}

// ahead is how many full slices a source makes before it waits.
const ahead = 8

// fromItems starts a source of single items: a goroutine that produces them,
// and one that sends them in slices and runs the synchronous stages after the
// source. When the pipeline drains, the first stops and the second delivers
// what there is.
func fromItems[T any](p *Pipeline, opts []StageOption, produce func(context.Context, *mailbox.Mailbox[T]) error) <-chan []T {
	box := mailbox.New[T](ahead)
	l, out := outlet[T](p)
	name := p.graph.add("source", opts, nil, []any{out})
	p.run(p.stages, name, func(ctx context.Context) error {
		defer l.close()
		return box.Send(ctx, l.push)
	})
	p.stage(p.inputs, name, func(ctx context.Context) error {
		defer box.Close()
		return produce(ctx, box)
	})
	return out
}
