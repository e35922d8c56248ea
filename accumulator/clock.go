package accumulator

import (
	"maps"
	"slices"
	"time"
)

// clock closes batches that are due, until the Accumulator stops.
func (a *Accumulator[T]) clock() {
	defer a.timer.Stop()
	for {
		select {
		case <-a.timer.C:
			a.expire()
		case <-a.ctx.Done():
			a.stop(a.cause())
			return
		}
	}
}

func (a *Accumulator[T]) expire() {
	now := time.Now()
	for _, p := range a.handles() {
		// It fails only when all ends; then Close returns what is left.
		_ = a.do(a.ctx, a.ctx.Done(), func() error { return p.expire(now) })
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = time.Time{}
	a.engine.expire(time.Now())
	a.engine.changed = true // the timer is not set now, even if nothing was due
	a.rearm()
	for p := range a.producers {
		if due, ok := p.due(); ok {
			a.arm(due)
		}
	}
}

// handles returns the producers as of now.
func (a *Accumulator[T]) handles() []*Producer[T] {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Collect(maps.Keys(a.producers))
}

// arm makes the timer fire at due or before. It is set once per batch at most,
// and not at all while it is set for an earlier time.
func (a *Accumulator[T]) arm(due time.Time) {
	if a.armed.IsZero() || due.Before(a.armed) {
		a.armed = due
		a.timer.Reset(time.Until(due))
	}
}
