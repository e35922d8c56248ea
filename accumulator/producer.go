package accumulator

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// Producer is a handle through which one goroutine adds its items, see
// [Accumulator.Producer].
//
// The goroutine alone appends to items, without a lock: it writes the item and
// then counts it in held, unless held has changed since. A mover of items takes
// the count away first, and so finds nothing or whole items, and the producer
// finds the count gone and goes the slow way, which takes the lock.
type Producer[T any] struct {
	a     *Accumulator[T]
	next  int64        // held, as the goroutine knows it: to read held itself costs 5 ns
	items []T          // the slab, in its full length
	held  atomic.Int64 // how many of items were added here and not yet to a

	closed bool // by the goroutine that adds; read by no other

	// Under a.mu.
	slab  *slab[T]
	first time.Time // when the first of the held came

	_ [40]byte // 128 bytes: no other handle shares the cache lines
}

// producerCapacity is how many items a Producer holds at most.
const producerCapacity = 128

// Producer returns a handle for one goroutine. It holds up to 128 items, or a
// batch if that is less, and adds them together: an item costs about two thirds
// of what Add costs, and many goroutines do not compete for one lock. If its
// items make a whole batch, that is delivered as it is. Limits hold as ever:
// MaxWait counts from the moment the handle took the item, and Flush and Close
// include what handles hold. When what one holds is divided between two
// batches, the second counts as old as the first: it may leave early, never
// late. Items that the goroutine adds without the handle may overtake those in
// it. With keys, weights or MaxIdle a handle adds every item at once and saves
// nothing.
//
// A handle must be closed, unless its Accumulator is.
func (a *Accumulator[T]) Producer() *Producer[T] {
	p := &Producer[T]{a: a}
	if !a.plain {
		return p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p.renew()
	a.producers[p] = struct{}{}
	return p
}

// Add does the same as [Accumulator.Add], but must not be called by two
// goroutines at a time.
func (p *Producer[T]) Add(ctx context.Context, v T) error {
	if n := p.next; n > 0 && n < int64(len(p.items))-1 {
		p.items[n] = v
		p.next = n + 1
		if advance(&p.held, n) {
			return nil
		}
	}
	return p.addSlowly(ctx, v)
}

// advance counts one more item, unless they are no longer n. It is not generic:
// the method that it calls is inlined here, and in a generic function only if
// the program imports sync/atomic beside this package.
func advance(held *atomic.Int64, n int64) bool { return held.CompareAndSwap(n, n+1) }

// Close adds what the handle holds and makes the Accumulator forget it; after
// that Add returns [ErrClosed]. It must not be called while another goroutine
// adds. If ctx is done first, the error is the cause
// of ctx, the handle remains open, and Close may be called again.
func (p *Producer[T]) Close(ctx context.Context) error {
	if p.a == nil {
		return errZeroProducer
	}
	return p.a.do(ctx, p.a.refusing, func() error {
		if err := p.move(0); err != nil {
			return err
		}
		p.closed = true
		delete(p.a.producers, p)
		return nil
	})
}

// addSlowly adds an item which is the first of those held, or the last, or
// comes while they are moved.
func (p *Producer[T]) addSlowly(ctx context.Context, v T) error {
	a := p.a
	switch {
	case a == nil:
		return errZeroProducer
	case p.closed:
		return ErrClosed
	case p.slab == nil:
		return a.Add(ctx, v)
	}
	return a.do(ctx, a.refusing, func() error {
		if a.refusal != nil {
			return a.refusal
		}
		a.engine.begin()
		n := p.held.Load()
		p.items[n] = v
		if n == 0 {
			p.first = a.engine.now()
		}
		if int(n) == len(p.items)-1 {
			p.next = 0
			return p.move(1)
		}
		p.next = n + 1
		p.held.Store(n + 1)
		if due, ok := p.due(); ok {
			a.arm(due)
		}
		return nil
	})
}

// move moves what is held to the open batches, and with it some more items
// which are not counted before they are moved, until an item must wait. It
// needs the lock.
func (p *Producer[T]) move(more int) error {
	items := p.items[:int(p.held.Swap(0))+more]
	if len(items) == 0 {
		return nil
	}
	e := &p.a.engine
	if len(items) == e.limits.items && e.open.one == nil {
		if err := e.emitFull(p.first, p.slab, items); err != nil {
			p.held.Store(int64(len(items) - more))
			return err
		}
		p.renew()
		return nil
	}
	n, err := e.fillSince(p.first, items)
	rest := copy(items, items[n:])
	clear(items[rest:])
	p.held.Store(int64(max(0, rest-more)))
	return err
}

// renew gives the handle memory. It needs the lock.
func (p *Producer[T]) renew() {
	room := min(producerCapacity, p.a.engine.limits.items)
	p.slab = p.a.engine.pool.get()
	p.items = slices.Grow(p.slab.batch.Items[:0], room)[:room]
}

// expire is move, if it is time.
func (p *Producer[T]) expire(now time.Time) error {
	if due, ok := p.due(); !ok || due.After(now) {
		return nil
	}
	return p.move(0)
}

// due returns when the items must move at the latest. It needs the lock.
func (p *Producer[T]) due() (time.Time, bool) {
	wait := p.a.engine.limits.wait
	return p.first.Add(wait), wait > 0 && p.held.Load() > 0
}
