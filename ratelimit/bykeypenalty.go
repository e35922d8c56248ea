package ratelimit

import "time"

// Penalize lets no value of key pass before until, the end of a Retry-After, and
// holds up no other key. Call it for each call that was rejected (HTTP 429),
// with the present time if the provider named no other. The key is slowed down
// and speeds up again as [Limiter.Penalize] says.
//
// Values of the key that the next stage has not taken yet wait as well. What it
// has taken, the rejected value too, is the caller's to send again. The queue
// of the key may fill up meanwhile: see [PaceConfig.Overflow]. Penalize is for
// the Runs that are under way. It may be called from any goroutine and waits
// for nothing.
func (s *KeyStage[T]) Penalize(key string, until time.Time) {
	s.rejected.Add(1)
	s.tell(key, func(r *keyRun[T], p *paced[T], now time.Time) {
		p.core.penalize(until)
		r.hold(p, p.core.until.After(now))
		r.recall(p)
	})
}

// recall takes the values of a key back that were to be sent. They came before
// those in its queue, which may become longer than MaxQueued by them.
func (r *keyRun[T]) recall(p *paced[T]) {
	var back []T
	others := r.ready[:0]
	for _, v := range r.ready {
		if r.key(v) == p.key {
			p.core.settle(r.cost(v), Cost{})
			back = append(back, v)
		} else {
			others = append(others, v)
		}
	}
	clear(r.ready[len(others):])
	r.ready = others
	p.queue = append(back, p.queue...)
	r.note(len(back))
}

// hold notes whether a penalty of the key has still to end.
func (r *keyRun[T]) hold(p *paced[T], held bool) {
	if p.held == held {
		return
	}
	p.held = held
	n := int64(1)
	if !held {
		n = -1
	}
	r.penalties += int(n)
	r.penalized.Add(n)
}
