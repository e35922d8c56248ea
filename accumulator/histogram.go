package accumulator

import (
	"iter"
	"math/bits"
	"time"
)

// buckets is one per power of two of nanoseconds, up to the largest Duration.
const buckets = 64

// Histogram counts durations in buckets that double in width. The zero
// Histogram is empty.
type Histogram struct{ counts [buckets]uint64 }

// bucket returns the index of the bucket of d. The durations in bucket i
// have i bits.
func bucket(d time.Duration) int { return bits.Len64(uint64(max(d, 0))) }

// All yields the buckets that are not empty, from short to long: the longest
// duration that belongs there, and how many were counted.
func (h Histogram) All() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i := range h.counts {
			if n := h.counts[i]; n > 0 && !yield(1<<i-1, n) {
				return
			}
		}
	}
}

// Count returns how many durations were counted.
func (h Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.All() {
		n += c
	}
	return n
}

// Quantile returns a duration that at least the share q of those counted do not
// exceed, 0 < q <= 1. It is less than twice the exact quantile. Without
// durations it is zero.
func (h Histogram) Quantile(q float64) time.Duration {
	want := q * float64(h.Count())
	var n uint64
	for longest, c := range h.All() {
		if n += c; float64(n) >= want {
			return longest
		}
	}
	return 0
}
