package flow

import (
	"context"
	"errors"
)

// A Func is a synchronous stage: it handles one item after the other, in order,
// in one goroutine, which it shares with the source or Func before it. [Map],
// [Filter], [FlatMap] and [Each] make one, [Then] makes one of two, [Parallel]
// runs one on several items at a time.
//
// The zero Func is not usable.
type Func[In, Out any] struct {
	name    string
	shrinks bool                      // never makes more than one Out of an In
	bind    func() transform[In, Out] // returns the function for one run
}

// transform appends to made what it makes of items, and returns it. When the
// Func shrinks, made may start at the same place in memory as items.
type transform[In, Out any] func(ctx context.Context, made []Out, items []In) ([]Out, error)

// Map makes one Out of every In. The first error ends the stage and aborts the
// pipeline, here and in the other Funcs: an item that fails while the stream
// goes on is data, so let Out say so.
func Map[In, Out any](f func(context.Context, In) (Out, error)) Func[In, Out] {
	return stateless("map", true, func(ctx context.Context, made []Out, items []In) ([]Out, error) {
		for i := range items { // by index: an item may be large
			out, err := f(ctx, items[i])
			if err != nil {
				return made, err
			}
			made = append(made, out)
		}
		return made, nil
	})
}

// Filter passes on the items that keep reports true for.
func Filter[T any](keep func(T) bool) Func[T, T] {
	return stateless("filter", true, func(_ context.Context, made, items []T) ([]T, error) {
		for i := range items {
			if keep(items[i]) {
				made = append(made, items[i])
			}
		}
		return made, nil
	})
}

// FlatMap makes any number of Out of every In.
func FlatMap[In, Out any](f func(context.Context, In) ([]Out, error)) Func[In, Out] {
	return stateless("flatmap", false, func(ctx context.Context, made []Out, items []In) ([]Out, error) {
		for _, item := range items {
			outs, err := f(ctx, item)
			if err != nil {
				return made, err
			}
			made = append(made, outs...)
		}
		return made, nil
	})
}

// Flatten turns a stream of slices, such as the items of batches, into a stream
// of their elements.
func Flatten[T any]() Func[[]T, T] {
	return stateless("flatten", false, func(_ context.Context, made []T, items [][]T) ([]T, error) {
		for _, item := range items {
			made = append(made, item...)
		}
		return made, nil
	})
}

// Each calls f with every item and then passes the item on.
func Each[T any](f func(context.Context, T) error) Func[T, T] {
	return stateless("each", true, func(ctx context.Context, made, items []T) ([]T, error) {
		for i := range items {
			if err := f(ctx, items[i]); err != nil {
				return made, err
			}
			made = append(made, items[i])
		}
		return made, nil
	})
}

// Slicewise makes a Func of a function that handles several items at a time, up
// to 64 while it is fast, such as one that asks a store about them. It appends
// to made what it makes of items, not more than one Out of each, and returns
// it. Once it has begun to append it may find made in the place of items.
func Slicewise[In, Out any](
	name string, f func(ctx context.Context, made []Out, items []In) ([]Out, error),
) Func[In, Out] {
	return stateless(name, true, f)
}

func stateless[In, Out any](name string, shrinks bool, t transform[In, Out]) Func[In, Out] {
	return Func[In, Out]{name: name, shrinks: shrinks, bind: func() transform[In, Out] { return t }}
}

// Named returns f with another name.
func (f Func[In, Out]) Named(name string) Func[In, Out] {
	f.name = name
	return f
}

// errZeroFunc is the error of a Func that no constructor has made.
var errZeroFunc = errors.New("flow: a zero Func: make it with Map, Filter or another constructor")

// bound returns the function for one run.
func (f Func[In, Out]) bound() transform[In, Out] {
	if f.bind == nil {
		panic(errZeroFunc)
	}
	return f.bind()
}

// String returns the name of the stage: "map", "filter" and so on.
func (f Func[In, Out]) String() string { return f.name }

// Run makes a Func a [Stage]. It sends what it made of a slice when it is done
// with the slice. When its function takes more than a few microseconds it sends
// every result at once.
func (f Func[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Out) error {
	if f.bind == nil {
		return errZeroFunc
	}
	return pump(ctx, in, f.into(sendOne(out), busyIn(ctx)))
}

// into returns what pushes to next what f makes of a slice.
func (f Func[In, Out]) into(next push[Out], b *busy) push[In] {
	s := step[In, Out]{Func: f, do: f.bound(), next: next, pace: newPace(b)}
	return s.push
}

// stageError returns f with errors that name the stage that it is.
func (f Func[In, Out]) stageError(stage string) Func[In, Out] {
	bind := f.bound
	f.bind = func() transform[In, Out] {
		do := bind()
		return func(ctx context.Context, made []Out, items []In) ([]Out, error) {
			made, err := do(ctx, made, items)
			if err != nil {
				err = &stageError{stage, err}
			}
			return made, err
		}
	}
	return f
}

// inPlace returns the memory of items for the results, when the types and the
// Func allow.
func (f Func[In, Out]) inPlace(items []In) (room []Out, ok bool) {
	if f.shrinks {
		room, ok = any(items[:0]).([]Out)
	}
	return room, ok
}
