package flow

import "context"

// step handles one item: it calls the next step with what it makes of it.
type step[T any] func(ctx context.Context, item T) error

// A Func is a synchronous stage: it handles one item after the other, in order, in one goroutine. [Map], [Filter],
// [FlatMap] and [Each] make one, [Parallel] runs one on several items at a time.
//
// The zero Func is not usable.
type Func[In, Out any] struct {
	name string
	bind func(next step[Out]) step[In]
}

// Map makes one Out of every In. The first error ends the stage and aborts the pipeline, here and in the other Funcs: an
// item that fails while the stream goes on is data, so let Out say so.
func Map[In, Out any](f func(context.Context, In) (Out, error)) Func[In, Out] {
	return Func[In, Out]{"map", func(next step[Out]) step[In] {
		return func(ctx context.Context, item In) error {
			out, err := f(ctx, item)
			if err != nil {
				return err
			}
			return next(ctx, out)
		}
	}}
}

// Filter passes on the items that keep reports true for.
func Filter[T any](keep func(T) bool) Func[T, T] {
	return Func[T, T]{"filter", func(next step[T]) step[T] {
		return func(ctx context.Context, item T) error {
			if !keep(item) {
				return nil
			}
			return next(ctx, item)
		}
	}}
}

// FlatMap makes any number of Out of every In.
func FlatMap[In, Out any](f func(context.Context, In) ([]Out, error)) Func[In, Out] {
	return Func[In, Out]{"flatmap", func(next step[Out]) step[In] {
		return func(ctx context.Context, item In) error {
			outs, err := f(ctx, item)
			if err != nil {
				return err
			}
			for _, out := range outs {
				if err := next(ctx, out); err != nil {
					return err
				}
			}
			return nil
		}
	}}
}

// Flatten turns a stream of slices, such as the items of batches, into a stream of their elements.
func Flatten[T any]() Func[[]T, T] {
	f := FlatMap(func(_ context.Context, items []T) ([]T, error) { return items, nil })
	f.name = "flatten"
	return f
}

// Each calls f with every item and then passes the item on.
func Each[T any](f func(context.Context, T) error) Func[T, T] {
	return Func[T, T]{"each", func(next step[T]) step[T] {
		return func(ctx context.Context, item T) error {
			if err := f(ctx, item); err != nil {
				return err
			}
			return next(ctx, item)
		}
	}}
}

// String returns the name of the stage: "map", "filter" and so on.
func (f Func[In, Out]) String() string { return f.name }

// Run makes a Func a [Stage]. What it makes of a slice it sends at the end of the slice, or earlier when the next stage has
// nothing to do; so a result waits at most for one more call of the function.
func (f Func[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Out) error {
	var made []Out
	step := f.bind(func(ctx context.Context, item Out) error {
		made = append(made, item)
		if len(out) > 0 && len(made) < maxSlice {
			return nil
		}
		full := made
		made = nil
		return send(ctx, out, full)
	})
	for slice := range Slices(ctx, in) {
		for _, item := range slice {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := step(ctx, item); err != nil {
				return err
			}
		}
		if err := Send(ctx, out, made); err != nil {
			return err
		}
		made = nil
	}
	return context.Cause(ctx)
}
