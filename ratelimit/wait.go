package ratelimit

import (
	"container/heap"
	"context"
	"fmt"
	"time"
)

// Priority orders waiting calls: higher goes first. Any integer will do.
type Priority int

// Names for the usual priorities. Normal is that of Wait.
const (
	Low      Priority = -1
	Normal   Priority = 0
	High     Priority = 1
	Critical Priority = 2
)

// Wait takes cost as soon as the limits allow it, in its turn, or returns an
// error that wraps [context.Cause] and takes nothing. A cost larger than a whole
// burst passes once that has filled up and leaves a debt.
//
// O(1) if nobody waits, O(log n) among n others.
func (l *Limiter) Wait(ctx context.Context, cost Cost) error {
	return l.WaitPriority(ctx, Normal, cost)
}

// WaitPriority is Wait for a call that passes before all of lower priority, even
// those that came earlier, but see Config.Aging.
func (l *Limiter) WaitPriority(ctx context.Context, p Priority, cost Cost) error {
	if ctx.Err() != nil {
		return waitError(ctx)
	}
	if w := l.enter(p, cost); w != nil {
		return l.await(ctx, w)
	}
	return nil
}

func (l *Limiter) await(ctx context.Context, w *waiter) error {
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		l.leave(w)
		return waitError(ctx)
	}
}

// enter takes cost at once and returns nil, or queues up for it.
func (l *Limiter) enter(p Priority, cost Cost) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.waiters) == 0 {
		if _, ok := l.core.take(now, cost); ok {
			return nil
		}
	}
	l.seq++
	w := &waiter{cost: cost, due: l.due(now, p), seq: l.seq, ready: make(chan struct{})}
	heap.Push(&l.waiters, w)
	if w.index == 0 {
		l.dispatch() // the timer was for another
	}
	return w
}

// leave takes w out of the queue, or gives back what it got too late.
func (l *Limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.index < 0 {
		l.core.settle(w.cost, Cost{})
	} else {
		heap.Remove(&l.waiters, w.index)
	}
	l.dispatch()
}

func waitError(ctx context.Context) error {
	return fmt.Errorf("ratelimit: wait: %w", context.Cause(ctx))
}
