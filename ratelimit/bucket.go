package ratelimit

import (
	"math"
	"time"
)

// bucket is one dimension that refills by itself. The zero bucket has no limit.
type bucket struct {
	limit float64 // of a window
	burst float64 // what it holds at most
	rate  float64 // what comes in per nanosecond
	level float64 // what is in it; negative is a debt
}

// newBucket sizes a bucket so that what it holds plus what one window refills
// is the limit, whichever moment the provider's window begins at.
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

// add puts n in, or takes it out if negative, and spills what is above the
// burst.
func (b *bucket) add(n float64, p pace) {
	b.level = min(b.level+n, b.burst*p.burst)
}

// wait is the time until n can be taken, 0 for now. What is larger than the
// bucket can be taken once that is full, or it would wait for ever.
func (b *bucket) wait(n float64, p pace) time.Duration {
	// Sums of floating-point refills miss a round number by less than this.
	const tolerance = 1e-6
	short := min(n, b.burst*p.burst) - b.level
	if n <= 0 || b.rate == 0 || short <= tolerance {
		return 0
	}
	return time.Duration(math.Ceil(short / (b.rate * p.rate)))
}
