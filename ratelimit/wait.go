package ratelimit

import (
	"context"
	"fmt"
	"time"
)

// Priority orders waiting calls: the higher passes first. Any integer will do.
type Priority int

// Names for the usual priorities. PriorityNormal is that of Wait.
const (
	PriorityLow      Priority = -1
	PriorityNormal   Priority = 0
	PriorityHigh     Priority = 1
	PriorityCritical Priority = 2
)

// Wait takes cost as soon as the limits allow it. Waiting callers proceed in
// order of priority, then of arrival. If ctx ends first, Wait takes nothing and
// returns an error that wraps [context.Cause]. A cost larger than a whole burst
// passes once the burst is full, and leaves a debt.
//
// O(1) if no other call waits, O(log n) among n others.
func (l *Limiter) Wait(ctx context.Context, cost Cost) error {
	return l.WaitPriority(ctx, PriorityNormal, cost)
}

// WaitPriority is Wait for a call that passes before all calls of lower
// priority, even those that came earlier. Config.Aging bounds by how much.
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
	l.lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.waiters.Len() == 0 {
		if _, ok := l.core.take(now, cost); ok {
			return nil
		}
	}
	l.seq++
	w := &waiter{cost: cost, due: l.due(now, p), seq: l.seq, ready: make(chan struct{})}
	if l.waiters.Push(w) {
		l.dispatch() // the timer was for another
	}
	return w
}

// leave takes w out of the queue, or refunds a cost that was granted too late.
func (l *Limiter) leave(w *waiter) {
	l.lock()
	defer l.mu.Unlock()
	if w.InHeap() {
		l.waiters.Remove(w)
	} else {
		l.core.settle(w.cost, Cost{})
	}
	l.dispatch()
}

func waitError(ctx context.Context) error {
	return fmt.Errorf("ratelimit: wait: %w", context.Cause(ctx))
}
