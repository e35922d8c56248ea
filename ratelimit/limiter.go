package ratelimit

import (
	"sync"
	"time"
)

// Limiter keeps calls under all limits of one model or account. Make it with
// [NewLimiter]. It is safe for concurrent use, runs no goroutine and needs no
// closing.
type Limiter struct {
	config Config
	epoch  time.Time

	mu      sync.Mutex
	core    core
	waiters waiters
	timer   *time.Timer // runs tick when the first waiter's wait is over
	seq     uint64
}

// NewLimiter returns a limiter with all its limits untouched, or an error that
// names the wrong field of c.
func NewLimiter(c Config) (*Limiter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return newLimiter(c), nil
}

func newLimiter(c Config) *Limiter {
	c = c.withDefaults()
	return &Limiter{config: c, epoch: time.Now(), core: newCore(c)}
}

// TryTake takes all of cost at the time now, or nothing and returns how long to
// wait before it is worth asking again: the longest Duration if only a Settle
// can help. It never overtakes a call in Wait. O(1), without allocation.
//
// The time is an argument so that a caller with many limiters reads the clock
// once; it must not be far from the real time if anybody uses Wait as well.
func (l *Limiter) TryTake(now time.Time, cost Cost) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiters) > 0 {
		l.core.advance(now)
		return max(l.core.wait(now, l.waiters[0].cost), l.core.wait(now, cost), 1), false
	}
	return l.core.take(now, cost)
}

// Settle corrects what a call took to what it used, once both are known, and
// frees its slots. Unused tokens are there for others at once; an excess is a
// debt that the next calls wait for. Call it once per successful Wait or TryTake
// that took Slots or an estimate:
//
//	limiter.Settle(taken, ratelimit.Cost{Requests: 1, InputTokens: 812})
//
// A call that the provider turned down has still cost its request. One that
// never left has used Cost{}. Slots in used stay taken.
func (l *Limiter) Settle(taken, used Cost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.core.settle(taken, used)
	l.dispatch()
}

// Penalize lets nobody pass before until, the end of a Retry-After. Call it for
// each rejected call (HTTP 429), with the present time if the provider did not
// name one. Rejections slow the limiter down: after the first, no second holds
// more than a 60th of a minute's limit, further ones lead to smaller bursts and
// then to a lower rate, and quiet minutes speed it up again.
func (l *Limiter) Penalize(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.core.penalize(until)
	l.dispatch()
}

// Update changes the limits, for calls that wait already as well. What was taken
// and not settled stays taken, and a debt stays a debt. The error names the wrong
// field of c; then nothing changes.
func (l *Limiter) Update(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config = c.withDefaults()
	l.core.resize(l.config)
	l.dispatch()
	return nil
}
