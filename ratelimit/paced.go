package ratelimit

import (
	"time"

	"github.com/balerhq/baler/internal/indexheap"
)

// paced is a key with its limits and the values that wait for them.
type paced[T any] struct {
	indexheap.Place
	key   string
	core  core
	queue []T
	held  bool      // by a penalty that has not ended
	at    time.Time // when the first value may pass, or, without values, when the key may be forgotten; or when held ends
}

// Before orders keys by the time at which there is something to do.
func (p *paced[T]) Before(q *paced[T]) bool { return p.at.Before(q.at) }

// pop removes the first value.
func (p *paced[T]) pop() T {
	var none T
	v := p.queue[0]
	p.queue[0] = none // so that nothing keeps it alive
	if p.queue = p.queue[1:]; len(p.queue) == 0 {
		p.queue = nil
	}
	return v
}

// untouched returns how long it takes until the core is as if it were new, or
// until its back-off takes the next step to that, if nothing else is taken. It
// is for a core that has seen no slots.
func (k *core) untouched(now time.Time) (wait time.Duration) {
	k.advance(now)
	for i := range k.buckets {
		b := &k.buckets[i]
		wait = max(wait, b.wait(b.burst, k.throttle))
	}
	if !k.until.IsZero() {
		wait = max(wait, k.until.Sub(now))
	}
	return max(wait, k.backoff.untilFaster(now))
}
