package flow

import (
	"context"
	"sync"
)

// between is how many slices may lie between a source, with the functions after
// it, and the next goroutine.
const between = 4

// edge is the output of a stage that can do what comes after it in its own
// goroutine. The stage runs before that is known: until then it offers its
// slices on a channel, without room, to any reader at all. When the pipeline
// adds the next stage, take tells the link where to push instead, which is
// either a channel with room or the function of a synchronous stage.
type edge[T any] struct {
	open  chan []T
	taken chan struct{} // closed by take

	mu    sync.Mutex
	ended bool
	next  push[T]
	end   func() // called at the end
}

func newEdge[T any]() *edge[T] {
	return &edge[T]{open: make(chan []T), taken: make(chan struct{})}
}

// take has the slices pushed to next from now on. It is called at most once.
func (l *edge[T]) take(next push[T], end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.end = next, end
	close(l.taken)
	if l.ended {
		end()
	}
}

// close ends the stream. The stage calls it, once.
func (l *edge[T]) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	close(l.open)
	if l.end != nil {
		l.end()
	}
}

// push is the [push] of the stage.
func (l *edge[T]) push(ctx context.Context, slice []T) ([]T, error) {
	if len(slice) == 0 {
		return slice, nil
	}
	select {
	case <-l.taken:
		return l.next(ctx, slice)
	default:
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case <-l.taken:
		return l.next(ctx, slice)
	case l.open <- slice:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// outlet makes the edge that a stage writes and the channel that stands for it.
// A pipeline that is measured stage by stage gives each stage a goroutine of
// its own: then the edge leads to a channel from the start.
func outlet[T any](p *Pipeline) (*edge[T], <-chan []T) {
	l := newEdge[T]()
	if p.metered || len(p.wraps) > 0 {
		write, read := output[T](p)
		l.take(sendOne(write), func() { close(write) })
		return l, read
	}
	p.graph.edge((<-chan []T)(l.open), l)
	return l, l.open
}

// unconnected returns the edge that in stands for, if no stage reads it yet.
func unconnected[T any](p *Pipeline, in <-chan []T) (l *edge[T], ok bool) {
	l, ok = p.graph.removeEdge(in).(*edge[T])
	return l, ok
}

// inlet returns the channel on which a stage with a goroutine of its own reads
// in. A borrower is done with a slice when it receives the next.
func inlet[T any](p *Pipeline, in <-chan []T, borrower bool) <-chan []T {
	l, ok := unconnected(p, in)
	if !ok {
		return in
	}
	ch := make(chan []T, between)
	to := sendOne[T](ch)
	if borrower {
		to = lend[T](ch)
	}
	l.take(to, func() { close(ch) })
	return ch
}
