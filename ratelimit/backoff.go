package ratelimit

import (
	"math"
	"time"
)

// throttle is the part of its burst and rate that a limiter uses. Both are 1
// until the provider rejects calls that the limits allow.
//
// A provider that counts by the second needs calls to keep to the share of a
// second, so that is the first step. One that counts by less needs a smaller
// burst. An account with other users needs a lower rate.
type throttle struct {
	sliding     bool // no span of a 60th of the window holds more than its share
	burst, rate float64
}

const (
	burstSteps = 1 + 4 // the sliding window, then halvings of the burst
	rateStep   = 0.95  // the part of the rate that a further rejection leaves
	lastStep   = burstSteps + 40
)

// backoff is AIMD: it chooses the throttle from rejections. A rejection takes a
// step down, a quiet time a step up.
type backoff struct {
	step   int
	since  time.Time // of the last step
	window time.Duration
}

func (b *backoff) throttle() throttle {
	return throttle{
		sliding: b.step > 0,

		burst: math.Ldexp(1, -max(min(b.step, burstSteps)-1, 0)),
		rate:  math.Pow(rateStep, float64(max(b.step-burstSteps, 0))),
	}
}

// slower takes a step down. Calls that were under way together are rejected
// together and count as one.
func (b *backoff) slower(now time.Time) bool {
	if b.step == lastStep || b.step > 0 && now.Sub(b.since) < b.window/60 {
		return false
	}
	b.step++
	b.since = now
	return true
}

// faster takes a step up after a quiet time.
func (b *backoff) faster(now time.Time) bool {
	if b.step == 0 || now.Sub(b.since) < b.quiet() {
		return false
	}
	b.since = b.since.Add(b.quiet())
	b.step--
	return true
}

// quiet is the time between two steps up. For the rate it is a quarter of a
// window, since other users may have stopped. For the rest, which gains little,
// it is ten windows.
func (b *backoff) quiet() time.Duration {
	if b.step <= burstSteps {
		return 10 * b.window
	}
	return b.window / 4
}

// untilFaster returns the time until the next step up, 0 if there is none.
func (b *backoff) untilFaster(now time.Time) time.Duration {
	if b.step == 0 {
		return 0
	}
	return b.quiet() - now.Sub(b.since)
}
