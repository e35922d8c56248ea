package accumulator

import (
	"iter"
	"math"
	"sync/atomic"
	"time"
)

// Stats are figures about the batches closed so far.
type Stats struct {
	Items   uint64    // items in closed batches
	Batches uint64    // closed batches
	Reasons Reasons   // closed batches by Reason, as in Reasons[ReasonAge]
	Fill    float64   // mean share of MaxItems or MaxWeight that was used, 0 to 1
	Wait    Histogram // how long the first item of each batch waited in it
	Open    int       // open batches; with keys, the keys in use
}

// Reasons counts batches by the [Reason] that closed them.
type Reasons [ReasonEvict + 1]uint64

// All yields every reason and its count.
func (r Reasons) All() iter.Seq2[Reason, uint64] {
	return func(yield func(Reason, uint64) bool) {
		for why, n := range r {
			if !yield(Reason(why), n) {
				return
			}
		}
	}
}

// meter collects Stats. It is written once per batch, never per item.
type meter struct {
	items   atomic.Uint64
	reasons [ReasonEvict + 1]atomic.Uint64
	fill    atomic.Uint64 // sum, in units of 1/fillUnit
	wait    [buckets]atomic.Uint64
	open    atomic.Int64
}

const fillUnit = 1 << 20

func (m *meter) count(items int, fill float64, wait time.Duration, why Reason) {
	m.items.Add(uint64(items))
	m.reasons[why].Add(1)
	m.fill.Add(uint64(fill * fillUnit))
	m.wait[bucket(wait)].Add(1)
}

func (m *meter) stats() Stats {
	s := Stats{Items: m.items.Load(), Open: int(m.open.Load())}
	for i := range m.reasons {
		s.Reasons[i] = m.reasons[i].Load()
		s.Batches += s.Reasons[i]
	}
	if s.Batches > 0 {
		s.Fill = min(1, float64(m.fill.Load())/fillUnit/float64(s.Batches))
	}
	for i := range m.wait {
		s.Wait.counts[i] = m.wait[i].Load()
	}
	return s
}

// fullness returns how much of its limits a batch used: the larger of the share
// of MaxItems and the share of MaxWeight. Without either a batch has no size to
// fall short of, and counts as full.
func (b *Buffer[T]) fullness() float64 {
	if b.lim.items == math.MaxInt && b.lim.weight == math.MaxInt {
		return 1
	}
	share := max(float64(len(b.items))/float64(b.lim.items), float64(b.weight)/float64(b.lim.weight))
	return min(1, share)
}
