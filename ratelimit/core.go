package ratelimit

import (
	"math"
	"time"
)

// forever is the wait of a call that only a Settle lets through.
const forever time.Duration = math.MaxInt64

// core computes for a limiter. It has no clock and no lock.
type core struct {
	buckets  [dimensions]bucket
	slots    int // at the same time; 0 means no limit
	inUse    int
	last     time.Time // of the last refill
	until    time.Time // no call passes before
	backoff  backoff
	throttle throttle
	sliding  *slidingWindow // nil unless throttle.sliding
}

func newCore(c Config) core {
	k := core{
		buckets: [dimensions]bucket{
			newBucket(c.Requests, c),
			newBucket(c.InputTokens, c),
			newBucket(c.OutputTokens, c),
		},
		slots:   c.Slots,
		backoff: backoff{window: c.Window},
	}
	k.throttle = k.backoff.throttle()
	return k
}

// setThrottle follows a step of the back-off.
func (k *core) setThrottle() {
	k.throttle = k.backoff.throttle()
	switch {
	case !k.throttle.sliding:
		k.sliding = nil
	case k.sliding == nil:
		k.sliding = k.newSlidingWindow()
	}
}

// newSlidingWindow returns a full window: the last one ended with a rejection.
func (k *core) newSlidingWindow() *slidingWindow {
	s := &slidingWindow{span: k.backoff.window / 60}
	for i, b := range k.buckets {
		s.limit[i] = b.limit / 60
	}
	s.take(k.last, s.limit)
	return s
}

// resize changes the limits. Costs that were taken stay taken.
func (k *core) resize(c Config) {
	old := *k
	*k = newCore(c)
	k.inUse, k.last, k.until = old.inUse, old.last, old.until
	for i := range k.buckets {
		if old.buckets[i].rate != 0 {
			k.buckets[i].level = min(old.buckets[i].level, k.buckets[i].burst)
		}
	}
}

// take takes all of cost. If it does not fit, it takes nothing and returns how
// long to wait.
func (k *core) take(now time.Time, cost Cost) (wait time.Duration, ok bool) {
	k.advance(now)
	if wait := k.wait(now, cost); wait > 0 {
		return wait, false
	}
	rates := cost.rates()
	for i, n := range rates {
		k.buckets[i].level -= n
	}
	if k.sliding != nil {
		k.sliding.take(now, rates)
	}
	k.inUse += max(cost.Slots, 0)
	return 0, true
}

// wait returns how long cost has to wait: the longest wait of all limits, since
// those run at the same time.
func (k *core) wait(now time.Time, cost Cost) (wait time.Duration) {
	if k.slots > 0 && cost.Slots > 0 && k.inUse > 0 && k.inUse+cost.Slots > k.slots {
		return forever
	}
	if !k.until.IsZero() {
		wait = k.until.Sub(now)
	}
	rates := cost.rates()
	for i, n := range rates {
		wait = max(wait, k.buckets[i].wait(n, k.throttle))
	}
	if k.sliding != nil {
		wait = max(wait, k.sliding.wait(now, rates))
	}
	return wait
}

// advance refills for the time since the last call. A clock that went back
// refills nothing.
func (k *core) advance(now time.Time) {
	elapsed := now.Sub(k.last)
	if elapsed <= 0 {
		return
	}
	for k.backoff.faster(now) {
		k.setThrottle()
	}
	if k.sliding != nil {
		k.sliding.expire(now)
	}
	for i := range k.buckets {
		b := &k.buckets[i]
		b.add(b.rate*k.throttle.rate*float64(elapsed), k.throttle)
	}
	k.last = now
}

// settle replaces the cost that was taken by the cost that was used. An excess
// becomes a debt. A refund never fills a bucket above its burst.
func (k *core) settle(taken, used Cost) {
	back, spent := taken.rates(), used.rates()
	for i := range k.buckets {
		k.buckets[i].add(back[i]-spent[i], k.throttle)
	}
	k.inUse = max(k.inUse-max(taken.Slots, 0)+max(used.Slots, 0), 0)
}

// penalize lets nothing pass before until. Rejections of calls that started
// before an earlier penalty began say nothing new about the rate.
func (k *core) penalize(until time.Time) {
	if !k.last.Before(k.until) && k.backoff.slower(k.last) {
		k.setThrottle()
	}
	if until.After(k.until) {
		k.until = until
	}
}

// clamp lowers dimension i to what the provider says is left. It never raises
// it, because a reply may be older than calls under way.
func (k *core) clamp(i int, remaining float64) {
	k.buckets[i].level = min(k.buckets[i].level, remaining)
}
