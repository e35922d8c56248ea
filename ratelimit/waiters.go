package ratelimit

import (
	"time"

	"github.com/balerhq/baler/internal/indexheap"
)

// waiter is a call in Wait. All fields belong to the limiter's lock except
// ready. It is in the heap of waiters until it has its cost.
type waiter struct {
	indexheap.Place
	cost  Cost
	due   float64 // seconds: arrival, less the head start of its priority
	seq   uint64  // first come, first served among equals
	ready chan struct{}
}

// Before orders the calls that wait. The order does not change while they wait,
// because aging moves all of them alike.
func (w *waiter) Before(other *waiter) bool {
	if w.due != other.due {
		return w.due < other.due
	}
	return w.seq < other.seq
}

// dispatch is the only function that lets waiting calls through. It only tries
// the first one: a smaller call after it must not take the capacity that it
// waits for. The lock is held.
func (l *Limiter) dispatch() {
	if l.waiters.Len() == 0 {
		l.disarm()
		return
	}
	now := time.Now()
	for l.waiters.Len() > 0 {
		head := l.waiters.First()
		wait, ok := l.core.take(now, head.cost)
		if !ok {
			l.arm(wait)
			return
		}
		l.waiters.Pop()
		close(head.ready)
	}
	l.disarm()
}

// due returns the arrival that would give a call the same place at priority 0.
// It is in floating point, so that no priority overflows.
func (l *Limiter) due(now time.Time, p Priority) float64 {
	return now.Sub(l.epoch).Seconds() - float64(p)*l.config.Aging.Seconds()
}

// arm sets the timer to try the first waiter again after wait. No goroutine
// sleeps for it.
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
