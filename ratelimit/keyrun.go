package ratelimit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/internal/indexheap"
)

// sliceSize is how many values that have waited are sent together at most.
const sliceSize = 128

// keyRun is one run of a KeyStage. All of it is in one goroutine.
type keyRun[T any] struct {
	*KeyStage[T]
	cost      func(T) Cost
	maxKeys   int
	maxQueued int

	known map[string]*paced[T]
	due   indexheap.Heap[*paced[T]] // all that are known
	held  []T                       // received, and there is no room for the first
	ready []T                       // to be sent
	ended bool                      // the input has
	timer *time.Timer
	armed time.Time
	count int // values in queues

	told      []keyNews[T]  // by the callers of the stage, under its lock
	news      chan struct{} // wakes the run for it; has room for one
	penalties int           // keys that are held
}

func newKeyRun[T any](s *KeyStage[T]) *keyRun[T] {
	r := &keyRun[T]{
		KeyStage:  s,
		cost:      s.c.Cost,
		maxKeys:   cmp.Or(s.c.MaxKeys, 1<<16),
		maxQueued: cmp.Or(s.c.MaxQueued, 1024),
		known:     make(map[string]*paced[T]),
		timer:     time.NewTimer(time.Hour),
		news:      make(chan struct{}, 1),
	}
	if r.cost == nil {
		r.cost = oneRequest[T]
	}
	return r
}

// end takes what the run held out of the figures.
func (r *keyRun[T]) end() {
	r.leave(r)
	r.timer.Stop()
	r.keys.Add(-int64(len(r.known)))
	r.queued.Add(-int64(r.count))
	r.penalized.Add(-int64(r.penalties))
}

func (r *keyRun[T]) loop(ctx context.Context, in <-chan []T, out chan<- []T) error {
	for {
		if err := r.listen(); err != nil {
			return err
		}
		if err := r.advance(); err != nil {
			return err
		}
		if r.ended && r.count+len(r.held)+len(r.ready) == 0 {
			return nil
		}
		if ctx.Err() != nil { // not one more, even if there is room
			return context.Cause(ctx)
		}
		source, next := in, out
		if r.ended || len(r.held) > 0 {
			source = nil
		}
		if len(r.ready) == 0 {
			next = nil
		}
		select {
		case next <- r.ready:
			r.passed.Add(int64(len(r.ready)))
			r.ready = nil
		case values, ok := <-source:
			r.ended = !ok
			if err := r.receive(values); err != nil {
				return err
			}
		case <-r.news:
		case <-r.timer.C:
			r.armed = time.Time{}
		case <-ctx.Done():
		}
	}
}

// advance does what is due. It takes nothing from a limiter while there are
// values to be sent: those that wait for the next stage would pass in a burst.
func (r *keyRun[T]) advance() error {
	if len(r.ready) > 0 {
		return nil
	}
	now := time.Now()
	for r.due.Len() > 0 && len(r.ready) < sliceSize && !r.due.First().at.After(now) {
		r.wake(now, r.due.Pop())
	}
	if held := r.held; len(held) > 0 {
		r.held = nil
		if err := r.place(now, held); err != nil {
			return err
		}
	}
	if len(r.ready) == 0 && r.due.Len() > 0 {
		r.arm(now, r.due.First().at)
	}
	return nil
}

func (r *keyRun[T]) arm(now, at time.Time) {
	if !at.Equal(r.armed) {
		r.armed = at
		r.timer.Reset(at.Sub(now))
	}
}

// wake lets values of a key pass whose time has come, or forgets the key.
func (r *keyRun[T]) wake(now time.Time, p *paced[T]) {
	r.hold(p, p.held && p.core.until.After(now))
	for len(p.queue) > 0 && len(r.ready) < sliceSize {
		if _, ok := p.core.take(now, r.cost(p.queue[0])); !ok {
			break
		}
		r.ready = append(r.ready, p.pop())
		r.note(-1)
	}
	if len(p.queue) == 0 && p.core.untouched(now) == 0 {
		delete(r.known, p.key)
		r.keys.Add(-1)
		return
	}
	r.schedule(now, p)
}

// schedule has a key woken when there is something to do.
func (r *keyRun[T]) schedule(now time.Time, p *paced[T]) {
	var wait time.Duration
	if len(p.queue) > 0 {
		p.core.advance(now)
		wait = p.core.wait(now, r.cost(p.queue[0]))
	} else {
		wait = p.core.untouched(now)
	}
	p.at = now.Add(max(wait, 0))
	if p.held && p.core.until.Before(p.at) {
		p.at = p.core.until
	}
	r.due.Push(p)
}

func (r *keyRun[T]) note(queued int) {
	r.count += queued
	r.queued.Add(int64(queued))
}

// receive takes new values in. Those that may pass at once keep the memory that
// they came in.
func (r *keyRun[T]) receive(values []T) error {
	if err := r.listen(); err != nil {
		return err
	}
	if len(r.ready) > 0 {
		return r.place(time.Now(), values)
	}
	r.ready = values[:0]
	return r.place(time.Now(), values)
}

// place lets values pass, or puts them into their queues. It keeps the rest if
// there is no room for one. What passes may overwrite values that were placed.
func (r *keyRun[T]) place(now time.Time, values []T) error {
	free := len(r.ready) == 0
	for i, v := range values {
		p, err := r.lookup(r.key(v))
		switch {
		case err != nil:
			return err
		case p != nil && free && len(p.queue) == 0 && r.passes(now, p, v):
			r.ready = append(r.ready, v)
		case p != nil && len(p.queue) < r.maxQueued:
			r.enqueue(now, p, v)
		case r.c.Overflow == nil:
			r.held = slices.Clone(values[i:])
			return nil
		default:
			full := &FullError{Key: r.key(v)}
			if p != nil {
				full.Queued = len(p.queue)
			}
			r.overflowed.Add(1)
			r.c.Overflow(v, full)
		}
	}
	return nil
}

func (r *keyRun[T]) passes(now time.Time, p *paced[T], v T) bool {
	_, ok := p.core.take(now, r.cost(v))
	return ok
}

// enqueue puts v into the queue of its key, and has the key woken for the
// first.
func (r *keyRun[T]) enqueue(now time.Time, p *paced[T], v T) {
	p.queue = append(p.queue, v)
	r.note(1)
	if len(p.queue) > 1 {
		return
	}
	r.due.Remove(p)
	r.schedule(now, p)
}

// lookup returns what is known of a key, or nil if there are too many.
func (r *keyRun[T]) lookup(key string) (*paced[T], error) {
	if p := r.known[key]; p != nil {
		return p, nil
	}
	if len(r.known) >= r.maxKeys {
		return nil, nil //nolint:nilnil // there is no room, which is no error
	}
	return r.learn(key)
}

// learn makes a key known.
func (r *keyRun[T]) learn(key string) (*paced[T], error) {
	limits := r.c.Limits(key)
	switch err := limits.Validate(); {
	case err != nil:
		return nil, fmt.Errorf("ratelimit: key %q: %w", key, err)
	case limits.Slots != 0:
		return nil, fmt.Errorf("ratelimit: key %q: PaceBy cannot free Slots: leave Config.Slots zero", key)
	}
	p := &paced[T]{key: key, core: newCore(limits.withDefaults()), at: time.Now()}
	r.known[key] = p
	r.keys.Add(1)
	r.due.Push(p)
	return p, nil
}
