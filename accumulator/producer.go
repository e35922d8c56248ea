package accumulator

import "context"

// Producer is the handle of one goroutine, see [Accumulator.Producer]. It is
// not safe for concurrent use.
type Producer[T any] struct{ a *Accumulator[T] }

// Add does the same as [Accumulator.Add].
func (p *Producer[T]) Add(ctx context.Context, v T) error { return p.a.Add(ctx, v) }
