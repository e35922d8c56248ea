package flow

import "context"

// maxSlice is how many items a source gathers at most while the next stage is busy. Larger slices cost more memory and
// cache, and no longer save time: see bench/README.md.
const maxSlice = 128

// outbox publishes the items of a source one by one, so that none waits in a buffer that only the source could empty:
// while the next stage is busy, the slice that lies in the channel is taken back, lengthened, and put there again. So a
// slow source sends slices of one and a fast one slices of up to maxSlice, without a timer.
type outbox[T any] struct {
	ch   chan []T // of capacity 1, with the outbox as the only sender: after taking back, there is room
	last int      // length of the last slice published: the next is made as large at once
}

func newOutbox[T any]() outbox[T] { return outbox[T]{ch: make(chan []T, 1)} }

func (o *outbox[T]) put(ctx context.Context, v T) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case slice := <-o.ch:
		if len(slice) < maxSlice {
			slice = append(slice, v)
			o.last = len(slice)
			o.ch <- slice
			return nil
		}
		o.ch <- slice
	default:
	}
	slice := append(make([]T, 0, max(o.last, 1)), v)
	return send(ctx, o.ch, slice)
}
