package accumulator

import (
	"context"
	"sync/atomic"
	"time"
)

// Producer is a handle through which one goroutine adds its items, see
// [Accumulator.Producer].
//
// The goroutine alone appends to items, without a lock: it writes the item and
// then counts it in held, unless held has changed since. Who moves the items takes
// the count away first, and so finds nothing or whole items, and the producer
// finds the count gone and goes the slow way, which takes the lock.
type Producer[T any] struct {
	a     *Accumulator[T]
	items []T          // has room for a handful, or none to add each at once
	held  atomic.Int64 // how many of items were added here and not yet to a

	// Under a.mu.
	first  time.Time // when the first of the held came
	closed bool

	_ [48]byte // 128 bytes: no other handle shares the cache lines
}

// handful is how many items a Producer holds at most.
const handful = 64

// Producer returns a handle for one goroutine. It holds up to 64 items, but never
// a whole batch, and adds them together: an item costs about half of what Add
// costs, and many goroutines do not fight for one lock. Limits hold as ever:
// MaxWait counts from the moment the handle took the item, and Flush and Close
// include what handles hold. With keys, weights or MaxIdle a handle adds every
// item at once and saves nothing.
//
// A handle must be closed, unless its Accumulator is.
func (a *Accumulator[T]) Producer() *Producer[T] {
	p := &Producer[T]{a: a}
	if !a.plain {
		return p
	}
	p.items = make([]T, min(handful, a.engine.limits.items-1))
	a.mu.Lock()
	a.producers[p] = struct{}{}
	a.mu.Unlock()
	return p
}

// Add does the same as [Accumulator.Add], but must not be called by two
// goroutines at a time.
func (p *Producer[T]) Add(ctx context.Context, v T) error {
	if n := p.held.Load(); n > 0 && n < int64(len(p.items)) {
		p.items[n] = v
		if p.held.CompareAndSwap(n, n+1) {
			return nil
		}
	}
	return p.addSlowly(ctx, v)
}

// Close adds what the handle holds and makes the Accumulator forget it; after
// that the handle must not be used. If ctx is done first, the error is the cause
// of ctx, the handle remains open, and Close may be called again.
func (p *Producer[T]) Close(ctx context.Context) error {
	return p.a.do(ctx, p.a.closing, func() error {
		if err := p.move(); err != nil {
			return err
		}
		p.closed = true
		delete(p.a.producers, p)
		return nil
	})
}

// addSlowly adds an item to those held, which are none, or too many and must
// move, or were being moved just now.
func (p *Producer[T]) addSlowly(ctx context.Context, v T) error {
	a := p.a
	if len(p.items) == 0 {
		return a.Add(ctx, v)
	}
	return a.do(ctx, a.closing, func() error {
		switch {
		case a.refusal != nil:
			return a.refusal
		case p.closed:
			return ErrClosed
		}
		a.engine.begin()
		n := p.held.Load()
		if int(n) == len(p.items) {
			if err := p.move(); err != nil {
				return err
			}
			n = 0
		}
		p.items[n] = v
		p.held.Store(n + 1)
		if n == 0 {
			p.first = a.engine.now()
			if due, ok := p.due(); ok {
				a.arm(due)
			}
		}
		return nil
	})
}

// move moves what is held to the open batches, until an item must wait. It needs
// the lock.
func (p *Producer[T]) move() error {
	held := p.items[:p.held.Swap(0)]
	if len(held) == 0 {
		return nil
	}
	n, err := p.a.engine.fillSince(p.first, held)
	rest := copy(held, held[n:])
	clear(held[rest:])
	p.held.Store(int64(rest))
	return err
}

// expire is move, if it is time.
func (p *Producer[T]) expire(now time.Time) error {
	if due, ok := p.due(); !ok || due.After(now) {
		return nil
	}
	return p.move()
}

// due returns when the items must move at the latest. It needs the lock.
func (p *Producer[T]) due() (time.Time, bool) {
	wait := p.a.engine.limits.wait
	return p.first.Add(wait), wait > 0 && p.held.Load() > 0
}
