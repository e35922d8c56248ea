package accumulator

import (
	"context"
	"sync"
	"time"
)

// Producer is a handle through which one goroutine adds its items, see
// [Accumulator.Producer].
type Producer[T any] struct {
	a     *Accumulator[T]
	mu    sync.Mutex // taken after a.mu, if both
	items []T        // added here and not yet to a
	first time.Time  // when items became non-empty
}

// Producer returns a handle that keeps up to 32 items to itself and adds them
// together, so that many goroutines do not fight for one lock. Limits hold as
// ever: MaxWait counts from the moment the handle took the item, and Flush and
// Close include what handles hold. With keys, weights or MaxIdle a handle
// adds every item at once and saves nothing.
//
// A handle must be closed, unless its Accumulator is.
func (a *Accumulator[T]) Producer() *Producer[T] {
	p := &Producer[T]{a: a, items: make([]T, 0, min(chunk, a.engine.limits.items))}
	a.mu.Lock()
	a.producers[p] = struct{}{}
	a.mu.Unlock()
	return p
}

// Add does the same as [Accumulator.Add]. It is safe for concurrent use, but
// then a handle has no advantage.
func (p *Producer[T]) Add(ctx context.Context, v T) error {
	if !p.a.plain {
		return p.a.Add(ctx, v)
	}
	p.mu.Lock()
	if n := len(p.items); n > 0 && n+1 < cap(p.items) {
		p.items = append(p.items, v)
		p.mu.Unlock()
		return nil
	}
	p.mu.Unlock()
	return p.addSlowly(ctx, v)
}

// Close adds what the handle holds and makes the Accumulator forget it. If
// ctx is done first, the error is the cause of ctx and Close may be called again.
func (p *Producer[T]) Close(ctx context.Context) error {
	a := p.a
	if err := a.do(ctx, a.closing, p.move); err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.producers, p)
	a.mu.Unlock()
	return nil
}

// addSlowly adds the first item of a chunk, or the last.
func (p *Producer[T]) addSlowly(ctx context.Context, v T) error {
	a := p.a
	return a.do(ctx, a.closing, func() error {
		if a.refusal != nil {
			return a.refusal
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.items) == cap(p.items) {
			if err := p.moveLocked(); err != nil {
				return err
			}
		}
		p.take(v)
		return nil
	})
}

func (p *Producer[T]) take(v T) {
	if len(p.items) == 0 {
		p.first = time.Now()
		if due, ok := p.due(); ok {
			p.a.arm(due)
		}
	}
	p.items = append(p.items, v)
	if len(p.items) == cap(p.items) {
		_ = p.moveLocked() // what must wait, waits here
	}
}

func (p *Producer[T]) move() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.moveLocked()
}

// moveLocked moves items to the open batches until one must wait. It needs
// both locks.
func (p *Producer[T]) moveLocked() error {
	if len(p.items) == 0 {
		return nil
	}
	n, err := p.a.engine.fillSince(p.first, p.items)
	rest := copy(p.items, p.items[n:])
	clear(p.items[rest:])
	p.items = p.items[:rest]
	return err
}

// due returns when the items must move at the latest.
func (p *Producer[T]) due() (time.Time, bool) {
	wait := p.a.engine.limits.wait
	return p.first.Add(wait), wait > 0
}

// next is due for those who do not hold p.mu.
func (p *Producer[T]) next() (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.items) == 0 {
		return time.Time{}, false
	}
	return p.due()
}
