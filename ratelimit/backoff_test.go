package ratelimit_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/ratelimit"
)

// reject has l turned down n times, far enough apart to count each.
func reject(l *ratelimit.Limiter, now time.Time, n int) time.Time {
	for range n {
		now = now.Add(2 * time.Second)
		l.TryTake(now, ratelimit.Cost{})
		l.Penalize(now)
	}
	return now
}

// together is how many requests pass at once.
func together(l *ratelimit.Limiter, now time.Time) (n int) {
	for {
		if _, ok := l.TryTake(now, request); !ok {
			return n
		}
		n++
	}
}

func TestRejectionsShrinkTheBurst(t *testing.T) {
	for rejections, want := range map[int]int{0: 16, 1: 16, 2: 8, 3: 4, 5: 1} {
		l := newLimiter(t, ratelimit.Per(960, time.Minute))
		now := time.Unix(1_800_000_000, 0)
		together(l, now)
		now = reject(l, now, rejections).Add(10 * time.Second)
		if n := together(l, now); n != want {
			t.Errorf("%d requests at once after %d rejections, want %d", n, rejections, want)
		}
	}
}

func TestFurtherRejectionsLowerTheRate(t *testing.T) {
	l := newLimiter(t, ratelimit.Per(600, time.Minute))
	now := time.Unix(1_800_000_000, 0)
	spacing := func() time.Duration {
		together(l, now)
		wait, _ := l.TryTake(now, request)
		return wait
	}
	full := spacing()
	now = reject(l, now, 5)
	if got := spacing(); got > full {
		t.Errorf("%s between requests after 5 rejections, want the full rate of one in %s", got, full)
	}
	now = reject(l, now, 1)
	if got, want := spacing(), full*100/95; got < want-time.Millisecond || got > want+time.Millisecond {
		t.Errorf("%s between requests after 6 rejections, want %s", got, want)
	}
	now = reject(l, now, 1000)
	if got := spacing(); got < 5*full || got > 10*full {
		t.Errorf("%s between requests after 1000 rejections, want some 8 times %s", got, full)
	}
}

func TestRejectionsTogetherCountOnce(t *testing.T) {
	for _, penalty := range []time.Duration{0, 10 * time.Second} {
		l := newLimiter(t, ratelimit.Per(960, time.Minute))
		now := reject(l, time.Unix(1_800_000_000, 0), 1).Add(10 * time.Second)
		together(l, now)
		for range 16 {
			l.Penalize(now.Add(penalty))
		}
		l.TryTake(now.Add(penalty/2), request)
		l.Penalize(now.Add(penalty)) // of a call that was slow to be rejected
		if n := together(l, now.Add(10*time.Second)); n != 8 {
			t.Errorf("%d requests at once after a burst that was rejected for %s, want half of 16", n, penalty)
		}
	}
}

func TestQuietTimeRestoresThePace(t *testing.T) {
	l := newLimiter(t, ratelimit.Per(960, time.Minute))
	now := reject(l, time.Unix(1_800_000_000, 0), 100)
	if n := together(l, now.Add(30*time.Minute)); n >= 16 {
		t.Errorf("%d requests at once after half an hour, want the burst still small", n)
	}
	if n := together(l, now.Add(2*time.Hour)); n != 16 {
		t.Errorf("%d requests at once after two hours, want the whole burst", n)
	}
}
