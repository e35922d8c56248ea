package ratelimit

import (
	"container/heap"
	"time"
)

// waiter is a call in Wait. All fields belong to the limiter's lock but ready.
type waiter struct {
	cost  Cost
	due   float64 // seconds; arrival, put forward by priority: the earliest is next
	seq   uint64  // first come first served among equals
	index int     // in the heap; -1 once it has what it asked for
	ready chan struct{}
}

// waiters is a heap in the order in which calls pass. That order does not change
// while they wait: aging moves all of them alike.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }

func (w waiters) Less(i, j int) bool {
	if w[i].due != w[j].due {
		return w[i].due < w[j].due
	}
	return w[i].seq < w[j].seq
}

func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

// Push implements heap.Interface.
func (w *waiters) Push(x any) {
	entry := x.(*waiter)
	entry.index = len(*w)
	*w = append(*w, entry)
}

// Pop implements heap.Interface.
func (w *waiters) Pop() any {
	last := len(*w) - 1
	entry := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	entry.index = -1
	return entry
}

// dispatch is the only place where a waiting call is let through. It asks for
// the first one alone: a smaller call behind it must not eat what it waits for.
// The lock is held.
func (l *Limiter) dispatch() {
	if len(l.waiters) == 0 {
		l.disarm()
		return
	}
	now := time.Now()
	for len(l.waiters) > 0 {
		head := l.waiters[0]
		wait, ok := l.core.take(now, head.cost)
		if !ok {
			l.arm(wait)
			return
		}
		heap.Pop(&l.waiters)
		close(head.ready)
	}
	l.disarm()
}

// due is when a call of priority p that arrives now would have had to arrive to
// have its place at priority 0. In floating point, so that no priority
// overflows.
func (l *Limiter) due(now time.Time, p Priority) float64 {
	return now.Sub(l.epoch).Seconds() - float64(p)*l.config.Aging.Seconds()
}

// arm has the first waiter asked again after wait. No goroutine sleeps for that.
func (l *Limiter) arm(wait time.Duration) {
	switch {
	case wait == forever:
		l.disarm()
	case l.timer == nil:
		l.timer = time.AfterFunc(wait, l.tick)
	default:
		l.timer.Reset(wait)
	}
}

func (l *Limiter) disarm() {
	if l.timer != nil {
		l.timer.Stop()
	}
}

func (l *Limiter) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch()
}
