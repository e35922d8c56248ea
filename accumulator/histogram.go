package accumulator

import (
	"math/bits"
	"time"
)

// buckets is one per power of two of nanoseconds, up to the largest Duration.
const buckets = 64

// Histogram counts durations in buckets whose bounds are powers of two of
// a nanosecond.
type Histogram struct{ counts [buckets]uint64 }

// bucket returns the index i with d < 1<<i and, except for the first, d >= 1<<(i-1).
func bucket(d time.Duration) int { return bits.Len64(uint64(max(d, 0))) }

// Count returns how many durations were counted.
func (h Histogram) Count() uint64 {
	var n uint64
	for i := range h.counts {
		n += h.counts[i]
	}
	return n
}

// Quantile returns a bound which at least the share q of the durations is
// below, 0 < q <= 1. It is at most twice the exact quantile. Without durations it
// is zero.
func (h Histogram) Quantile(q float64) time.Duration {
	want := q * float64(h.Count())
	var n uint64
	for i := range h.counts {
		if n += h.counts[i]; n > 0 && float64(n) >= want {
			return time.Duration(1<<i - 1)
		}
	}
	return 0
}
