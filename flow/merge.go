package flow

import (
	"context"
	"sync/atomic"
)

// Merge reads several streams as one, which ends when all of them have. The
// order within each is kept.
func Merge[T any](p *Pipeline, ins ...<-chan []T) <-chan []T {
	ch, out := output[T](p)
	from := make([]any, len(ins))
	for i, in := range ins {
		from[i] = in
	}
	name := p.graph.add("merge", nil, from, []any{out})
	var open atomic.Int64
	open.Store(int64(len(ins)))
	if len(ins) == 0 {
		close(ch)
	}
	for _, in := range ins {
		in := inlet(p, in, false)
		p.stage(p.stages, name, func(ctx context.Context) error {
			defer func() {
				if open.Add(-1) == 0 {
					close(ch)
				}
			}()
			return forward(ctx, in, ch)
		})
	}
	return out
}
