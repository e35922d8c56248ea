package main

import (
	"sync"
	"sync/atomic"
)

// The bare mechanisms are the least that the calls of the accumulator take. They
// hand batches over and use their memory again, and have no timeout, keys,
// weights, Flush, errors or statistics. Their calls are not inlined, as those of no
// contestant are.
const (
	bareAddName      = "bare: lock, append, hand over"
	bareManyName     = "bare: the same for 32"
	bareProducerName = "bare: append, one atomic"
)

// bareBatches goes to the consumer and comes back.
type bareBatches[T any] struct {
	full, free chan []T
	done       chan struct{}
}

func newBareBatches[T any](j *job[T]) *bareBatches[T] {
	b := &bareBatches[T]{full: make(chan []T, 8), free: make(chan []T, 16), done: make(chan struct{})}
	go func() {
		defer close(b.done)
		for batch := range b.full {
			j.take(batch)
			select {
			case b.free <- batch[:0]:
			default:
			}
		}
	}()
	return b
}

func (b *bareBatches[T]) begin() []T {
	select {
	case batch := <-b.free:
		return batch
	default:
		return make([]T, 0, batchSize)
	}
}

func (b *bareBatches[T]) end(rest []T) {
	if len(rest) > 0 {
		b.full <- rest
	}
	close(b.full)
	<-b.done
}

// lockedBatch is a batch that all producers share.
type lockedBatch[T any] struct {
	*bareBatches[T]
	mu    sync.Mutex
	batch []T
}

//go:noinline
func (b *lockedBatch[T]) add(v T) {
	b.mu.Lock()
	b.batch = append(b.batch, v)
	if len(b.batch) == batchSize {
		b.full <- b.batch
		b.batch = b.begin()
	}
	b.mu.Unlock()
}

//go:noinline
func (b *lockedBatch[T]) addMany(vs []T) {
	b.mu.Lock()
	for len(vs) > 0 {
		n := min(len(vs), batchSize-len(b.batch))
		b.batch, vs = append(b.batch, vs[:n]...), vs[n:]
		if len(b.batch) == batchSize {
			b.full <- b.batch
			b.batch = b.begin()
		}
	}
	b.mu.Unlock()
}

func newLockedBatch[T any](j *job[T]) *lockedBatch[T] {
	b := &lockedBatch[T]{bareBatches: newBareBatches(j)}
	b.batch = b.begin()
	return b
}

func bareAdd[T any](j *job[T]) error {
	b := newLockedBatch(j)
	j.share(func(from, to int) {
		for i := from; i < to; i++ {
			b.add(j.item(i))
		}
	})
	b.end(b.batch)
	return nil
}

func bareMany[T any](j *job[T]) error {
	b := newLockedBatch(j)
	j.share(func(from, to int) {
		const most = 32
		vs := make([]T, 0, most)
		for i := from; i < to; i++ {
			vs = append(vs, j.item(i))
			if len(vs) == most || i == to-1 {
				b.addMany(vs)
				vs = vs[:0]
			}
		}
	})
	b.end(b.batch)
	return nil
}

// ownBatch is a batch of one producer. An item is counted by one atomic
// instruction, after which others could take it, as the clock, Flush and Close
// have to.
type ownBatch[T any] struct {
	*bareBatches[T]
	next  int64
	batch []T
	held  atomic.Int64
	_     [72]byte // nothing else in its cache lines
}

//go:noinline
func (b *ownBatch[T]) add(v T) {
	n := b.next
	b.batch[n] = v
	b.next = n + 1
	if b.held.CompareAndSwap(n, n+1) && n+1 == batchSize {
		b.full <- b.batch
		b.batch, b.next = b.begin()[:batchSize], 0
		b.held.Store(0)
	}
}

func bareProducer[T any](j *job[T]) error {
	all := newBareBatches(j)
	j.share(func(from, to int) {
		b := &ownBatch[T]{bareBatches: all, batch: all.begin()[:batchSize]}
		for i := from; i < to; i++ {
			b.add(j.item(i))
		}
		if b.next > 0 {
			b.full <- b.batch[:b.next]
		}
	})
	all.end(nil)
	return nil
}
