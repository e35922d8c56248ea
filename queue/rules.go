package queue

import (
	"math"
	"time"
)

// byPriority is the rule of Strict for priorities: the greatest first.
type byPriority[T any] struct{ of func(T) Priority }

func (r byPriority[T]) tick()                       {}
func (r byPriority[T]) key(v T) int64               { return levelKey(r.of(v)) }
func (r byPriority[T]) rekey(_ int64, _, v T) int64 { return r.key(v) }

// levelKey turns the order of priorities round; unlike a minus sign it does
// not overflow.
func levelKey(p Priority) int64 { return ^int64(p) }

// byDeadline is the rule of Strict for deadlines: the earliest first, and
// those without one last.
type byDeadline[T any] struct{ of func(T) time.Time }

func (r byDeadline[T]) tick()                       {}
func (r byDeadline[T]) rekey(_ int64, _, v T) int64 { return r.key(v) }

func (r byDeadline[T]) key(v T) int64 {
	due := r.of(v)
	if due.IsZero() {
		return math.MaxInt64
	}
	return timeKey(due)
}

// timeKey is t in nanoseconds since 1970, cut off where that ends: in the
// years 1678 and 2262.
func timeKey(t time.Time) int64 {
	switch s := t.Unix(); {
	case s > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64 - 1
	case s < math.MinInt64/int64(time.Second)+1:
		return math.MinInt64
	default:
		return t.UnixNano()
	}
}

// agedPriority is the rule of Aged for priorities: an item is due when it
// arrived, less the head start of its priority. The difference between two
// items does not change as they grow older, so the due time orders them.
type agedPriority[T any] struct {
	clock
	of    func(T) Priority
	aging time.Duration
}

func newAgedPriority[T any](of func(T) Priority, c Config) *agedPriority[T] {
	return &agedPriority[T]{clock: newClock(), of: of, aging: c.Aging}
}

func (r *agedPriority[T]) key(v T) int64 {
	return sub(r.time(), r.start(v))
}

func (r *agedPriority[T]) rekey(key int64, old, v T) int64 {
	if r.of(old) == r.of(v) {
		return key
	}
	return sub(sub(key, -r.start(old)), r.start(v))
}

// start is the head start of v, limited to half of what a key holds.
func (r *agedPriority[T]) start(v T) int64 {
	const most = math.MaxInt64 / 2
	p := int64(r.of(v))
	if limit := most / int64(r.aging); p > limit || p < -limit {
		p = max(min(p, limit), -limit)
	}
	return p * int64(r.aging)
}

// sub is a-b, cut off at the ends of the range.
func sub(a, b int64) int64 {
	switch {
	case b > 0 && a < math.MinInt64+b:
		return math.MinInt64
	case b < 0 && a > math.MaxInt64+b:
		return math.MaxInt64
	default:
		return a - b
	}
}

// agedDeadline is the rule of Aged for deadlines: an item without one is due
// some time after it arrived.
type agedDeadline[T any] struct {
	clock
	of    func(T) time.Time
	aging time.Duration
}

func (r *agedDeadline[T]) key(v T) int64 {
	if due := r.of(v); !due.IsZero() {
		return timeKey(due)
	}
	return sub(r.time(), -int64(r.aging))
}

func (r *agedDeadline[T]) rekey(key int64, old, v T) int64 {
	if r.of(old).Equal(r.of(v)) {
		return key
	}
	return r.key(v)
}

// clock tells the time in nanoseconds since 1970. It follows the monotonic
// clock, so that a corrected wall clock does not turn arrivals round. It looks
// once after each tick, and only if it is asked.
type clock struct {
	base  time.Time
	now   int64
	stale bool
}

func newClock() clock { return clock{base: time.Now(), stale: true} }

func (c *clock) tick() { c.stale = true }

func (c *clock) time() int64 {
	if c.stale {
		c.now = c.base.UnixNano() + int64(time.Since(c.base))
		c.stale = false
	}
	return c.now
}
