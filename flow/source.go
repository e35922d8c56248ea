package flow

import (
	"context"
	"iter"
)

// From starts a source that sends what seq yields. Cancelling the pipeline stops it at the next item: a seq that may block
// must watch a context itself.
func From[T any](p *Pipeline, seq iter.Seq[T], opts ...StageOption) <-chan []T {
	return fromBox(p, opts, func(put func(T) error) error {
		for v := range seq {
			if err := put(v); err != nil {
				return err
			}
		}
		return nil
	})
}

// FromSeq2 is [From] for a seq that can fail, such as one that reads a file. The first error aborts the pipeline.
func FromSeq2[T any](p *Pipeline, seq iter.Seq2[T, error], opts ...StageOption) <-chan []T {
	return fromBox(p, opts, func(put func(T) error) error {
		for v, err := range seq {
			if err != nil {
				return err
			}
			if err := put(v); err != nil {
				return err
			}
		}
		return nil
	})
}

// FromChan starts a source that sends what arrives on ch, until ch is closed. Items that arrive while the next stage is busy
// travel together.
func FromChan[T any](p *Pipeline, ch <-chan T, opts ...StageOption) <-chan []T {
	box := newOutbox[T]()
	return start(p, box.ch, opts, func(ctx context.Context) error {
		for {
			v, ok := receive(ctx, ch)
			if !ok {
				return context.Cause(ctx)
			}
			if err := box.put(ctx, v); err != nil {
				return err
			}
		}
	})
}

// FromFunc starts a source that sends slices itself, by the rules of [Stage]. It is for input that comes in slices anyway,
// and for input that ctx must be able to interrupt.
func FromFunc[T any](p *Pipeline, produce func(ctx context.Context, out chan<- []T) error, opts ...StageOption) <-chan []T {
	out := make(chan []T, 1)
	return start(p, out, opts, func(ctx context.Context) error { return produce(ctx, out) })
}

func fromBox[T any](p *Pipeline, opts []StageOption, produce func(put func(T) error) error) <-chan []T {
	box := newOutbox[T]()
	return start(p, box.ch, opts, func(ctx context.Context) error {
		return produce(func(v T) error { return box.put(ctx, v) })
	})
}

// start runs a source that writes ch.
func start[T any](p *Pipeline, ch chan []T, opts []StageOption, run func(context.Context) error) <-chan []T {
	out := (<-chan []T)(ch)
	p.run(p.inputs, p.build.add("source", opts, nil, []any{out}), func(ctx context.Context) error {
		defer close(ch)
		return run(ctx)
	})
	return out
}
