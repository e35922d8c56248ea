package accumulator

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func histogramOf(ds ...time.Duration) Histogram {
	var h Histogram
	for _, d := range ds {
		h.counts[bucket(d)]++
	}
	return h
}

func TestAHistogramCountsInBucketsThatDouble(t *testing.T) {
	h := histogramOf(-1, 0, 1, 2, 3, 4, 7, 8, math.MaxInt64)
	want := map[time.Duration]uint64{0: 2, 1: 1, 3: 2, 7: 2, 15: 1, math.MaxInt64: 1}
	if d := cmp.Diff(want, maps.Collect(h.All())); d != "" {
		t.Error(d)
	}
	for longest := range h.All() {
		if longest > 0 {
			t.Error("the loop did not end")
		}
		break
	}
}

func TestAQuantileIsLessThanTwiceTheExactOne(t *testing.T) {
	if q := (Histogram{}).Quantile(0.5); q != 0 {
		t.Errorf("the median of nothing is %v", q)
	}
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 1, 50).Draw(t, "durations")
		q := rapid.Float64Range(0.01, 1).Draw(t, "q")
		var ds []time.Duration
		for _, d := range all {
			ds = append(ds, time.Duration(d))
		}
		got, below := histogramOf(ds...).Quantile(q), 0
		largest := time.Duration(0) // of those that got covers
		for _, d := range ds {
			if d <= got {
				below++
				largest = max(largest, d)
			}
		}
		if float64(below) < q*float64(len(ds)) {
			t.Fatalf("%v covers %d of %d, want the share %v", got, below, len(ds), q)
		}
		if got/2 > largest {
			t.Fatalf("%v is twice the %v that it stands for, or more", got, largest)
		}
	})
}
