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
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.runs {
		r.told = append(r.told, penalty{key, until})
		select {
		case r.news <- struct{}{}:
		default: // it is about to wake
		}
	}
}

// penalty is what Penalize tells a run, whose goroutine alone touches its keys.
type penalty struct {
	key   string
	until time.Time
}

// enter lets Penalize find the run.
func (s *KeyStage[T]) enter(r *keyRun[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == nil {
		s.runs = make(map[*keyRun[T]]struct{})
	}
	s.runs[r] = struct{}{}
}

func (s *KeyStage[T]) leave(r *keyRun[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, r)
}

// listen does what Penalize has told the run. The run listens before it lets
// anything pass.
func (r *keyRun[T]) listen() error {
	r.mu.Lock()
	told := r.told
	r.told = nil
	r.mu.Unlock()
	now := time.Now()
	for _, t := range told {
		if err := r.penalize(now, t); err != nil {
			return err
		}
	}
	return nil
}

// penalize holds a key back. One that was forgotten while its call was under way
// becomes known again, even if there are too many.
func (r *keyRun[T]) penalize(now time.Time, t penalty) error {
	p := r.known[t.key]
	if p == nil {
		var err error
		if p, err = r.learn(t.key); err != nil {
			return err
		}
	}
	p.core.advance(now)
	p.core.penalize(t.until)
	r.hold(p, p.core.until.After(now))
	r.recall(p)
	r.due.Remove(p)
	r.schedule(now, p)
	return nil
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
