package ratelimit

import (
	"math"
	"time"
)

// forever is the wait of a call that only a Settle lets through.
const forever time.Duration = math.MaxInt64

// core is the arithmetic of a limiter. It has no clock and no lock.
type core struct {
	buckets [dimensions]bucket
	slots   int // places; 0 means no limit
	inUse   int
	last    time.Time // of the last refill
	until   time.Time // nothing passes before
	pacing  pacing
	pace    pace
	second  *second // nil unless the pace is by the second
}

func newCore(c Config) core {
	k := core{
		buckets: [dimensions]bucket{
			newBucket(c.Requests, c),
			newBucket(c.InputTokens, c),
			newBucket(c.OutputTokens, c),
		},
		slots:  c.Slots,
		pacing: pacing{window: c.Window},
	}
	k.pace = k.pacing.pace()
	return k
}

// setPace follows a step of the pacing.
func (k *core) setPace() {
	k.pace = k.pacing.pace()
	switch {
	case !k.pace.bySecond:
		k.second = nil
	case k.second == nil:
		k.second = k.newSecond()
	}
}

// newSecond takes it that the last second was full, because it did end with a
// rejection.
func (k *core) newSecond() *second {
	s := &second{span: k.pacing.window / 60}
	for i, b := range k.buckets {
		s.limit[i] = b.limit / 60
	}
	s.take(k.last, s.limit)
	return s
}

// resize changes the limits and keeps what was taken.
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

// take takes all of cost, or nothing and returns how long to wait.
func (k *core) take(now time.Time, cost Cost) (wait time.Duration, ok bool) {
	k.advance(now)
	if wait := k.wait(now, cost); wait > 0 {
		return wait, false
	}
	rates := cost.rates()
	for i, n := range rates {
		k.buckets[i].level -= n
	}
	if k.second != nil {
		k.second.take(now, rates)
	}
	k.inUse += max(cost.Slots, 0)
	return 0, true
}

// wait is how long cost has to wait: the largest of the waits of all limits,
// since those run at the same time.
func (k *core) wait(now time.Time, cost Cost) (wait time.Duration) {
	if k.slots > 0 && cost.Slots > 0 && k.inUse > 0 && k.inUse+cost.Slots > k.slots {
		return forever
	}
	if !k.until.IsZero() {
		wait = k.until.Sub(now)
	}
	rates := cost.rates()
	for i, n := range rates {
		wait = max(wait, k.buckets[i].wait(n, k.pace))
	}
	if k.second != nil {
		wait = max(wait, k.second.wait(now, rates))
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
	for k.pacing.faster(now) {
		k.setPace()
	}
	if k.second != nil {
		k.second.expire(now)
	}
	for i := range k.buckets {
		b := &k.buckets[i]
		b.add(b.rate*k.pace.rate*float64(elapsed), k.pace)
	}
	k.last = now
}

// settle replaces what was taken by what was used. More in use than taken
// becomes a debt; what comes back never fills a bucket above its burst.
func (k *core) settle(taken, used Cost) {
	back, spent := taken.rates(), used.rates()
	for i := range k.buckets {
		k.buckets[i].add(back[i]-spent[i], k.pace)
	}
	k.inUse = max(k.inUse-max(taken.Slots, 0)+max(used.Slots, 0), 0)
}

// penalize lets nothing pass before until. Rejections of calls that started
// before an earlier penalty began say nothing new about the pace.
func (k *core) penalize(until time.Time) {
	if !k.last.Before(k.until) && k.pacing.slower(k.last) {
		k.setPace()
	}
	if until.After(k.until) {
		k.until = until
	}
}

// clamp lowers dimension i to what the provider says is left. It never raises:
// an answer may be older than calls under way.
func (k *core) clamp(i int, remaining float64) {
	k.buckets[i].level = min(k.buckets[i].level, remaining)
}
