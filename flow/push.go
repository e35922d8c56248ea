package flow

import (
	"context"
	"slices"

	"github.com/balerhq/baler/internal/mailbox"
)

// push hands a slice on, see [mailbox.Push].
type push[T any] = mailbox.Push[T]

// sendOne sends slices on out to a reader that owns them.
func sendOne[T any](out chan<- []T) push[T] {
	return func(ctx context.Context, slice []T) ([]T, error) { return nil, Send(ctx, out, slice) }
}

// lend sends slices on out to a reader that is done with a slice when it
// receives the next. When a send succeeds out holds this slice and as many as
// still have room: the reader has received the one before those, and is done
// with the one before that.
func lend[T any](out chan<- []T) push[T] {
	lent := make([][]T, 0, cap(out)+2) // those that the reader may need
	return func(ctx context.Context, slice []T) (done []T, err error) {
		if err := Send(ctx, out, slice); err != nil {
			return nil, err
		}
		if len(lent) > cap(out) {
			done = lent[0]
			lent = slices.Delete(lent, 0, 1)
		}
		lent = append(lent, slice)
		return done, nil
	}
}
