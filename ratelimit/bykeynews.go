package ratelimit

import "time"

// keyNews is what the caller of a stage has learned about a key, from a reply of
// the provider. The goroutine of a run alone touches its keys, so it does what
// is to be done.
type keyNews[T any] struct {
	key string
	do  func(r *keyRun[T], p *paced[T], now time.Time)
}

// Observe follows what a reply to a call of key says is left of the limits of
// that key, as [Limiter.Observe] does. Only what waits is held back: what the
// next stage is about to take stays on its way. Observe is for the Runs that
// are under way. It may be called from any goroutine and waits for nothing.
func (s *KeyStage[T]) Observe(key string, left Remaining) {
	if left == (Remaining{}) {
		return
	}
	for _, n := range []**int{&left.Requests, &left.InputTokens, &left.OutputTokens} {
		if *n != nil {
			*n = new(**n) // it is read later, when the caller may have changed its own
		}
	}
	s.tell(key, func(_ *keyRun[T], p *paced[T], _ time.Time) { p.core.observe(left) })
}

// tell tells all runs.
func (s *KeyStage[T]) tell(key string, do func(r *keyRun[T], p *paced[T], now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range s.runs {
		r.told = append(r.told, keyNews[T]{key, do})
		select {
		case r.news <- struct{}{}:
		default: // it is about to wake
		}
	}
}

// enter lets tell find the run.
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

// listen does what the run was told. The run listens before it lets anything
// pass.
func (r *keyRun[T]) listen() error {
	r.mu.Lock()
	told := r.told
	r.told = nil
	r.mu.Unlock()
	now := time.Now()
	for _, news := range told {
		if err := r.heed(now, news); err != nil {
			return err
		}
	}
	return nil
}

// heed does what one piece of news asks for. A key that was forgotten while its
// call was under way becomes known again, even if there are too many.
func (r *keyRun[T]) heed(now time.Time, news keyNews[T]) error {
	p := r.known[news.key]
	if p == nil {
		var err error
		if p, err = r.learn(news.key); err != nil {
			return err
		}
	}
	p.core.advance(now)
	news.do(r, p, now)
	r.due.Remove(p)
	r.schedule(now, p)
	return nil
}
