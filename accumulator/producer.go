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
	room  int        // how many items it may hold; zero makes it add each at once
	mu    sync.Mutex // taken after a.mu, if both
	items []T        // added here and not yet to a
	first time.Time  // when items became non-empty

	closed bool
}

// handful is how many items a Producer holds at most.
const handful = 64

// Producer returns a handle that holds up to 64 items, but never a whole batch,
// and adds them together, so that many goroutines do not fight for one lock.
// Limits hold as ever: MaxWait counts from the moment the handle took the item,
// and Flush and Close include what handles hold. With keys, weights or MaxIdle a
// handle adds every item at once and saves nothing.
//
// A handle must be closed, unless its Accumulator is.
func (a *Accumulator[T]) Producer() *Producer[T] {
	p := &Producer[T]{a: a}
	if !a.plain {
		return p
	}
	p.room = min(handful, a.engine.limits.items-1)
	p.items = make([]T, 0, p.room)
	a.mu.Lock()
	a.producers[p] = struct{}{}
	a.mu.Unlock()
	return p
}

// Add does the same as [Accumulator.Add]. It is safe for concurrent use, but
// then a handle has no advantage.
func (p *Producer[T]) Add(ctx context.Context, v T) error {
	if p.room == 0 {
		return p.a.Add(ctx, v)
	}
	p.mu.Lock()
	if n := len(p.items); n > 0 && n < p.room {
		p.items = append(p.items, v)
		p.mu.Unlock()
		return nil
	}
	p.mu.Unlock()
	return p.addSlowly(ctx, v)
}

// Close adds what the handle holds and makes the Accumulator forget it; after
// that the handle must not be used. If ctx is done first, the error is the cause
// of ctx, the handle remains open, and Close may be called again.
func (p *Producer[T]) Close(ctx context.Context) error {
	return p.a.do(ctx, p.a.closing, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if err := p.moveLocked(); err != nil {
			return err
		}
		p.closed = true
		delete(p.a.producers, p)
		return nil
	})
}

// addSlowly moves the items, if there is no room for another, and adds the
// first of the next.
func (p *Producer[T]) addSlowly(ctx context.Context, v T) error {
	a := p.a
	return a.do(ctx, a.closing, func() error {
		if a.refusal != nil {
			return a.refusal
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			return ErrClosed
		}
		if len(p.items) == p.room {
			if err := p.moveLocked(); err != nil {
				return err
			}
		}
		if len(p.items) == 0 {
			p.first = time.Now()
			if due, ok := p.due(); ok {
				a.arm(due)
			}
		}
		p.items = append(p.items, v)
		return nil
	})
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
