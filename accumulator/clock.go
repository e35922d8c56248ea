package accumulator

import (
	"context"
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
			a.stop(context.Cause(a.ctx))
			return
		}
	}
}

func (a *Accumulator[T]) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = time.Time{}
	a.engine.expire(time.Now())
	a.tidy()
}

// arm makes the timer fire at due or before. It is set once per batch at most,
// and not at all while it is set for an earlier time.
func (a *Accumulator[T]) arm(due time.Time) {
	if a.armed.IsZero() || due.Before(a.armed) {
		a.armed = due
		a.timer.Reset(time.Until(due))
	}
}
