package report

import (
	"math"
	"slices"

	"github.com/balerhq/baler/flow/durable/archive"
)

// steps is how finely latencies are told apart in Latency.Spread.
const steps = 20

// addBatches adds how large the batches were, and how long they took.
func (r *Report) addBatches(all []archive.Batch) {
	var took []float64
	bought, boughtRows, settledRows, sum := 0, 0, 0, 0.0
	for i := range all {
		b := &all[i]
		if b.SentAt.IsZero() {
			continue
		}
		bought++
		boughtRows += b.Rows
		if b.SettledAt.IsZero() {
			continue
		}
		seconds := max(0, b.SettledAt.Sub(b.SentAt).Seconds())
		took = append(took, seconds)
		settledRows += b.Rows
		sum += seconds * float64(b.Rows)
	}
	if bought > 0 {
		r.Batches.Rows = float64(boughtRows) / float64(bought)
	}
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	r.Latency = Latency{Batches: len(took), P50: quantile(took, 0.5), P90: quantile(took, 0.9), Shortest: took[0], Longest: took[len(took)-1]}
	r.Latency.Mean = sum / float64(max(1, settledRows))
	r.Latency.Spread = spread(took)
}

// quantile returns the value that a part of the sorted values does not exceed.
func quantile(sorted []float64, part float64) float64 {
	return sorted[max(0, int(math.Ceil(part*float64(len(sorted))))-1)]
}

// spread counts the sorted values in equal steps.
func spread(sorted []float64) []int {
	low, high := sorted[0], sorted[len(sorted)-1]
	if high == low {
		return []int{len(sorted)}
	}
	out := make([]int, steps)
	for _, v := range sorted {
		out[min(steps-1, int((v-low)/(high-low)*steps))]++
	}
	return out
}
