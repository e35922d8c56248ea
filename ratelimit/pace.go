package ratelimit

import (
	"math"
	"time"
)

// pace is how much of its burst and rate a limiter uses: 1 and 1 until the
// provider turns calls down that the limits allow. A provider that counts by
// the second needs calls to keep to a second's share, so that goes first; one
// that counts by even less needs a smaller burst, and an account that others
// use too a lower rate.
type pace struct {
	bySecond    bool
	burst, rate float64
}

const (
	burstSteps = 1 + 4 // by the second, then halvings of the burst
	rateStep   = 0.95  // what a further rejection leaves of the rate
	lastStep   = burstSteps + 40
)

// pacing chooses the pace from rejections.
type pacing struct {
	step   int
	since  time.Time // of the last step
	window time.Duration
}

func (p *pacing) pace() pace {
	return pace{
		bySecond: p.step > 0,

		burst: math.Ldexp(1, -max(min(p.step, burstSteps)-1, 0)),
		rate:  math.Pow(rateStep, float64(max(p.step-burstSteps, 0))),
	}
}

// slower takes a step down. Calls that were under way together are turned down
// together and count as one.
func (p *pacing) slower(now time.Time) bool {
	if p.step == lastStep || p.step > 0 && now.Sub(p.since) < p.window/60 {
		return false
	}
	p.step++
	p.since = now
	return true
}

// faster takes a step up after a quiet time: a quarter of a window for the rate,
// which others may have stopped using, ten windows for the rest, which gains
// little.
func (p *pacing) faster(now time.Time) bool {
	if p.step == 0 {
		return false
	}
	quiet := p.window / 4
	if p.step <= burstSteps {
		quiet = 10 * p.window
	}
	if now.Sub(p.since) < quiet {
		return false
	}
	p.step--
	p.since = p.since.Add(quiet)
	return true
}
