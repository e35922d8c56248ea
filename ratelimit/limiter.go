package ratelimit

import (
	"sync"
	"time"

	"github.com/balerhq/baler/internal/indexheap"
)

// Limiter keeps calls under all limits of one model or account. Make it with
// [NewLimiter]; the zero Limiter does not limit until an Update. It is safe for
// concurrent use, runs no goroutine and needs no closing.
type Limiter struct {
	config Config
	epoch  time.Time

	mu      sync.Mutex
	core    core
	waiters indexheap.Heap[*waiter]
	timer   *time.Timer // runs tick when the wait of the first waiter is over
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
	l := new(Limiter)
	l.init(c)
	return l
}

func (l *Limiter) init(c Config) {
	c = c.withDefaults()
	l.config, l.epoch, l.core = c, time.Now(), newCore(c)
}

// lock takes the lock. It makes a zero Limiter ready.
func (l *Limiter) lock() {
	l.mu.Lock()
	if l.config.Window == 0 {
		l.init(Config{})
	}
}

// TryTake takes all of cost at the time now. If it does not fit, TryTake takes
// nothing and returns how long to wait before another try. The wait is the
// longest Duration if only a Settle can help. TryTake never overtakes a call in
// Wait. O(1), without allocation.
//
// The time is an argument so that a caller with many limiters reads the clock
// once. It must not be far from the real time if Wait is used as well.
func (l *Limiter) TryTake(now time.Time, cost Cost) (wait time.Duration, ok bool) {
	l.lock()
	defer l.mu.Unlock()
	if l.waiters.Len() > 0 {
		l.core.advance(now)
		return max(l.core.wait(now, l.waiters.First().cost), l.core.wait(now, cost), 1), false
	}
	return l.core.take(now, cost)
}

// Settle replaces the cost that a call took by the cost that it used, and frees
// its slots. Unused tokens are available to others at once. An excess is a debt
// that the next calls wait for. Call Settle once per successful Wait or TryTake
// that took Slots or an estimate:
//
//	limiter.Settle(taken, ratelimit.Cost{Requests: 1, InputTokens: 812})
//
// A call that the provider rejected has still cost its request. A call that was
// never sent has used Cost{}. Slots in used stay taken.
func (l *Limiter) Settle(taken, used Cost) {
	l.lock()
	defer l.mu.Unlock()
	l.core.settle(taken, used)
	l.dispatch()
}

// Penalize lets no call pass before until, the end of a Retry-After. Call it
// for each rejected call (HTTP 429), with the present time if the provider
// named no other. Rejections slow the limiter down. After the first one, no
// second holds more than a 60th of a minute's limit. Further ones lead to
// smaller bursts and then to a lower rate. Quiet minutes speed the limiter up
// again.
func (l *Limiter) Penalize(until time.Time) {
	l.lock()
	defer l.mu.Unlock()
	l.core.penalize(until)
	l.dispatch()
}

// Update changes the limits, also for calls that wait already. Costs that were
// taken and not settled stay taken, and a debt stays a debt. An error names the
// wrong field of c, and then nothing changes.
func (l *Limiter) Update(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	l.lock()
	defer l.mu.Unlock()
	l.config = c.withDefaults()
	l.core.resize(l.config)
	l.dispatch()
	return nil
}
