package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The designs that the accumulator was chosen from, cut down to what costs
// time: batches of 100, handed over a channel of 8, without keys, weights,
// Flush, statistics or errors. They are a floor for their mechanism; the real
// thing, in BenchmarkAccumulatorAdd, does more.

const size = 100

// byChannel sends every item to a goroutine that collects them.
type byChannel struct {
	items chan int
	done  chan struct{}
}

func newByChannel(t *tally) *byChannel {
	c := &byChannel{items: make(chan int, 128), done: make(chan struct{})}
	full := make(chan []int, 8)
	go func() {
		defer close(full)
		c.collect(full)
	}()
	go func() {
		defer close(c.done)
		for batch := range full {
			t.take(batch)
		}
	}()
	return c
}

func (c *byChannel) collect(full chan<- []int) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	batch := make([]int, 0, size)
	for {
		var v int
		var ok bool
		select { // alone first: it costs half
		case v, ok = <-c.items:
		default:
			select {
			case v, ok = <-c.items:
			case <-timer.C:
				continue
			}
		}
		if ok {
			batch = append(batch, v)
		}
		if len(batch) == size || !ok && len(batch) > 0 {
			full <- batch
			batch = make([]int, 0, size)
		}
		if !ok {
			return
		}
	}
}

func (c *byChannel) add(ctx context.Context, v int) {
	select {
	case c.items <- v:
	default:
		select {
		case c.items <- v:
		case <-ctx.Done():
		}
	}
}

func (c *byChannel) producer() func(context.Context, int) { return c.add }

func (c *byChannel) close() {
	close(c.items)
	<-c.done
}

// byTicket gives every item a place in the batch by an atomic counter; who
// fills the last place hands the batch over.
type byTicket struct {
	open atomic.Pointer[ticketBatch]
	full chan *ticketBatch
	done chan struct{}
}

type ticketBatch struct {
	next, filled atomic.Int64
	items        [size]int
}

func newByTicket(t *tally) *byTicket {
	c := &byTicket{full: make(chan *ticketBatch, 8), done: make(chan struct{})}
	c.open.Store(new(ticketBatch))
	go func() {
		defer close(c.done)
		for b := range c.full {
			t.take(b.items[:b.filled.Load()])
		}
	}()
	return c
}

func (c *byTicket) add(_ context.Context, v int) {
	for {
		b := c.open.Load()
		place := b.next.Add(1) - 1
		if place >= size { // whoever took the last place is about to open another
			runtime.Gosched()
			continue
		}
		b.items[place] = v
		if place == size-1 {
			c.open.Store(new(ticketBatch))
		}
		if b.filled.Add(1) == size {
			c.full <- b
		}
		return
	}
}

func (c *byTicket) producer() func(context.Context, int) { return c.add }

func (c *byTicket) close() {
	if b := c.open.Load(); b.filled.Load() > 0 {
		c.full <- b
	}
	close(c.full)
	<-c.done
}

// byLock appends under a lock that the consumer never takes: the mechanism of
// the accumulator.
type byLock struct {
	mu    sync.Mutex
	batch []int
	full  chan []int
	done  chan struct{}
}

func newByLock(t *tally) *byLock {
	c := &byLock{batch: make([]int, 0, size), full: make(chan []int, 8), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for batch := range c.full {
			t.take(batch)
		}
	}()
	return c
}

func (c *byLock) add(_ context.Context, v int) {
	c.mu.Lock()
	c.batch = append(c.batch, v)
	if len(c.batch) == size {
		c.full <- c.batch
		c.batch = make([]int, 0, size)
	}
	c.mu.Unlock()
}

func (c *byLock) producer() func(context.Context, int) { return c.add }

func (c *byLock) close() {
	if len(c.batch) > 0 {
		c.full <- c.batch
	}
	close(c.full)
	<-c.done
}

// byHandle gives every producer memory of its own, in which it counts an item
// by one atomic operation, so that others could take what is there at any time:
// the mechanism of a Producer.
type byHandle struct {
	mu      sync.Mutex
	handles []*handle
	full    chan []int
	done    chan struct{}
}

type handle struct {
	next  int64
	items []int
	held  atomic.Int64
	_     [88]byte // 128 bytes: nothing else in its cache lines
}

func newByHandle(t *tally) *byHandle {
	c := &byHandle{full: make(chan []int, 8), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for batch := range c.full {
			t.take(batch)
		}
	}()
	return c
}

func (c *byHandle) producer() func(context.Context, int) {
	h := &handle{items: make([]int, size)}
	c.mu.Lock()
	c.handles = append(c.handles, h)
	c.mu.Unlock()
	return func(_ context.Context, v int) {
		n := h.next
		h.items[n] = v
		h.next = n + 1
		if h.held.CompareAndSwap(n, n+1) && n+1 == size {
			c.full <- h.items
			h.items, h.next = make([]int, size), 0
			h.held.Store(0)
		}
	}
}

func (c *byHandle) close() {
	for _, h := range c.handles {
		if n := h.held.Load(); n > 0 {
			c.full <- h.items[:n]
		}
	}
	close(c.full)
	<-c.done
}

func BenchmarkAccumulatorDesign(b *testing.B) {
	type design interface {
		producer() func(ctx context.Context, v int)
		close()
	}
	for _, d := range []struct {
		name  string
		start func(*tally) design
	}{
		{"channel", func(t *tally) design { return newByChannel(t) }},
		{"ticket", func(t *tally) design { return newByTicket(t) }},
		{"lock", func(t *tally) design { return newByLock(t) }},
		{"handle", func(t *tally) design { return newByHandle(t) }},
	} {
		for _, producers := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/p%d", d.name, producers), func(b *testing.B) {
				var got tally
				c := d.start(&got)
				share(b, producers, func(from, to int) {
					add := c.producer()
					for v := from; v < to; v++ {
						add(b.Context(), v)
					}
				})
				c.close()
				got.check(b, b.N, size)
			})
		}
	}
}
