package ratelimit

import (
	"math"
	"time"
)

// bucket is one dimension that refills by itself. The zero bucket has no limit.
type bucket struct {
	limit float64 // of a window
	burst float64 // the most that it holds
	rate  float64 // refill per nanosecond
	level float64 // content; negative is a debt
}

// newBucket sizes a bucket so that its burst plus the refill of one window is
// the limit, whenever the window of the provider begins.
func newBucket(limit int, c Config) bucket {
	if limit == 0 {
		return bucket{}
	}
	burst := float64(limit) * float64(c.Burst) / float64(c.Window)
	return bucket{
		limit: float64(limit),
		burst: burst,
		rate:  (float64(limit) - burst) / float64(c.Window),
		level: burst,
	}
}

// add puts n in, or takes it out if negative. Whatever exceeds the burst is
// lost.
func (b *bucket) add(n float64, t throttle) {
	b.level = min(b.level+n, b.burst*t.burst)
}

// wait returns the time until n can be taken, 0 for now. An n larger than the
// bucket can be taken once the bucket is full, or it would wait for ever.
func (b *bucket) wait(n float64, t throttle) time.Duration {
	// Sums of floating-point refills miss a round number by less than this.
	const tolerance = 1e-6
	short := min(n, b.burst*t.burst) - b.level
	if n <= 0 || b.rate == 0 || short <= tolerance {
		return 0
	}
	return time.Duration(math.Ceil(short / (b.rate * t.rate)))
}
