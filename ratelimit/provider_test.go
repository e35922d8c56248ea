package ratelimit_test

import (
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// The limits that every provider and every contestant is told.
const (
	requestsPerMinute = 600
	tokensPerMinute   = 600_000
)

// provider decides about a call as it arrives; a wait is its Retry-After. It
// may be asked in the order of time only.
type provider interface {
	admit(now time.Time, cost ratelimit.Cost) (wait time.Duration, ok bool)
}

// tokenBucket holds a minute's worth and refills all the time.
type tokenBucket struct {
	requests, tokens float64
	last             time.Time
}

func newTokenBucket(now time.Time) provider {
	return &tokenBucket{requests: requestsPerMinute, tokens: tokensPerMinute, last: now}
}

func (b *tokenBucket) admit(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	minutes := now.Sub(b.last).Minutes()
	b.last = now
	b.requests = min(b.requests+minutes*requestsPerMinute, requestsPerMinute)
	b.tokens = min(b.tokens+minutes*tokensPerMinute, tokensPerMinute)
	short := max((float64(cost.Requests)-b.requests)/requestsPerMinute, (float64(cost.InputTokens)-b.tokens)/tokensPerMinute)
	if short > 1e-9 {
		return time.Duration(short*float64(time.Minute)) + 1, false
	}
	b.requests -= float64(cost.Requests)
	b.tokens -= float64(cost.InputTokens)
	return 0, true
}

// fixedWindow starts counting anew at each full width of the clock.
type fixedWindow struct {
	width time.Duration
	start time.Time
	used  ratelimit.Cost
}

func newFixedWindow(time.Time) provider { return &fixedWindow{width: time.Minute} }

// newQuantised hands out a sixtieth of the limit in each second.
func newQuantised(time.Time) provider { return &fixedWindow{width: time.Second} }

// coarse is a provider whose Retry-After has no fractions.
type coarse struct{ provider }

func newCoarse(now time.Time) provider { return coarse{newQuantised(now)} }

func (c coarse) admit(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	wait, ok := c.provider.admit(now, cost)
	return wait.Truncate(time.Second) + time.Second, ok
}

// silent is a provider without Retry-After.
type silent struct{ provider }

func newSilent(now time.Time) provider { return silent{newQuantised(now)} }

func (s silent) admit(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	_, ok := s.provider.admit(now, cost)
	return 0, ok
}

func (w *fixedWindow) admit(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	if start := now.Truncate(w.width); start.After(w.start) {
		w.start, w.used = start, ratelimit.Cost{}
	}
	part := int(time.Minute / w.width)
	if w.used.Requests+cost.Requests > requestsPerMinute/part || w.used.InputTokens+cost.InputTokens > tokensPerMinute/part {
		return w.start.Add(w.width).Sub(now), false
	}
	w.used.Requests += cost.Requests
	w.used.InputTokens += cost.InputTokens
	return 0, true
}

// slidingWindow counts what it admitted in the last minute, to the nanosecond.
type slidingWindow struct {
	admitted []arrival
	used     ratelimit.Cost
}

type arrival struct {
	at   time.Time
	cost ratelimit.Cost
}

func newSlidingWindow(time.Time) provider { return new(slidingWindow) }

func (w *slidingWindow) admit(now time.Time, cost ratelimit.Cost) (time.Duration, bool) {
	for len(w.admitted) > 0 && now.Sub(w.admitted[0].at) >= time.Minute {
		w.used.Requests -= w.admitted[0].cost.Requests
		w.used.InputTokens -= w.admitted[0].cost.InputTokens
		w.admitted = w.admitted[1:]
	}
	if w.used.Requests+cost.Requests > requestsPerMinute || w.used.InputTokens+cost.InputTokens > tokensPerMinute {
		return w.admitted[0].at.Add(time.Minute).Sub(now), false
	}
	w.admitted = append(w.admitted, arrival{now, cost})
	w.used.Requests += cost.Requests
	w.used.InputTokens += cost.InputTokens
	return 0, true
}
