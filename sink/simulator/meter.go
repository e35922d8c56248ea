package simulator

import (
	"math"
	"sync"
	"time"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// meters are what accounts have left of their limits per minute. They are full
// in a Simulator that is opened again.
type meters struct {
	mu     sync.Mutex
	levels map[meter]*level
}

// A meter is one limit of one account.
type meter struct {
	provider, payer string
	cause           protocol.Cause
}

// level is what was left at a time. What is used before it is known, such as
// the tokens of an answer, may bring it below zero.
type level struct {
	left float64
	at   time.Time
}

func newMeters() *meters { return &meters{levels: make(map[meter]*level)} }

// take takes n off a limit, if that much is left, or if all of a limit below n
// is. It reports how long it takes until it may be taken, 0 if it was.
func (m *meters) take(key meter, limit, n int64, now time.Time) (wait time.Duration) {
	if limit == 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.fill(key, limit, now)
	if missing := float64(min(n, limit)) - l.left; missing > 0 {
		return minutes(missing, limit)
	}
	l.left -= float64(n)
	return 0
}

// use takes n off a limit in any case.
func (m *meters) use(key meter, limit, n int64, now time.Time) {
	if limit == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fill(key, limit, now).left -= float64(n)
}

// rate returns where the account stands.
func (m *meters) rate(key meter, limit int64, now time.Time) protocol.Rate {
	if limit == 0 {
		return protocol.Rate{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.fill(key, limit, now)
	return protocol.Rate{
		Limit: limit, Remaining: max(0, int64(l.left)), Reset: minutes(float64(limit)-l.left, limit),
	}
}

// fill returns the level as it is now.
func (m *meters) fill(key meter, limit int64, now time.Time) *level {
	l, found := m.levels[key]
	if !found {
		l = &level{left: float64(limit), at: now}
		m.levels[key] = l
	}
	if passed := now.Sub(l.at); passed > 0 {
		l.left, l.at = min(float64(limit), l.left+passed.Minutes()*float64(limit)), now
	}
	return l
}

// minutes is how long it takes until n of the limit are there again, rounded up
// to milliseconds, so that it is not too early.
func minutes(n float64, limit int64) time.Duration {
	return time.Duration(math.Ceil(n/float64(limit)*60_000)) * time.Millisecond
}
