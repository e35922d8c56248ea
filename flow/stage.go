package flow

import (
	"context"
	"iter"

	"github.com/balerhq/baler/internal/mailbox"
)

// A Stage turns a stream of In into a stream of Out. [Via] runs it in a
// goroutine of its own, unless it is a [Func].
//
// Channels carry slices, never empty ones, so that one channel operation moves
// many items when the stream is fast and one item when it is slow. The rules of
// Run:
//
//   - It owns the slices that it receives, and gives away those that it sends.
//   - It sends what a received slice produced before it waits for the next one,
//     unless holding items is its purpose.
//   - When in is closed it sends what it holds and returns nil.
//   - When ctx is done it sends nothing more and returns context.Cause(ctx)
//     promptly.
//   - It never closes out (the pipeline does), never returns nil while in is
//     still open, and never drops an item silently.
//
// [Slices] and [Send] follow the rules about ctx for you. A package need not
// import flow to offer a stage: any type with this method is one.
type Stage[In, Out any] interface {
	Run(ctx context.Context, in <-chan []In, out chan<- []Out) error
}

// A Borrower is a [Stage] that may not need to own the slices that it receives.
// When Borrows reports true it is done with a slice when it receives the next,
// because it copies the items that it keeps. The pipeline may then fill the
// slice again.
type Borrower interface{ Borrows() bool }

func borrows(stage any) bool {
	b, ok := stage.(Borrower)
	return ok && b.Borrows()
}

// StageFunc is a function that is a [Stage].
type StageFunc[In, Out any] func(ctx context.Context, in <-chan []In, out chan<- []Out) error

// Run calls f.
func (f StageFunc[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Out) error {
	return f(ctx, in, out)
}

// named is a StageFunc with a name for the graph and for errors.
type named[In, Out any] struct {
	StageFunc[In, Out]
	name string
}

func (n named[In, Out]) String() string { return n.name }

// Slices yields what in carries until in is closed or ctx is done. After the
// loop context.Cause(ctx) is what Run returns: nil when the input came to its
// end.
//
//	for slice := range flow.Slices(ctx, in) {
//		...
//	}
//	return context.Cause(ctx)
func Slices[T any](ctx context.Context, in <-chan []T) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		for ctx.Err() == nil {
			slice, ok := mailbox.Receive(ctx, in)
			if !ok || !yield(slice) {
				return
			}
		}
	}
}

// Send sends slice on out and gives it away. It returns context.Cause(ctx), and
// sends nothing, once ctx is done. An empty slice is not sent.
func Send[T any](ctx context.Context, out chan<- []T, slice []T) error {
	if len(slice) == 0 {
		return nil
	}
	return send(ctx, out, slice)
}

func send[T any](ctx context.Context, out chan<- T, v T) error {
	if ctx.Err() != nil { // a select would pick at random between the two
		return context.Cause(ctx)
	}
	select {
	case out <- v:
		return nil
	default:
	}
	select {
	case out <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
