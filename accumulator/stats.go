package accumulator

import (
	"iter"
	"math"
	"sync"
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

// meter collects Stats. It is written for a batch, never for an item.
type meter struct {
	shared bool // by several Runs; otherwise the lock of an Accumulator guards it
	mu     sync.Mutex
	stats  Stats   // without those that result from others
	fill   float64 // sum over the batches
}

func (m *meter) lock() {
	if m.shared {
		m.mu.Lock()
	}
}

func (m *meter) unlock() {
	if m.shared {
		m.mu.Unlock()
	}
}

// openMore counts batches that were opened, or closed if n is negative.
func (m *meter) openMore(n int) {
	m.lock()
	m.stats.Open += n
	m.unlock()
}

// count counts a closed batch.
func (m *meter) count(items int, fill float64, wait time.Duration, why Reason) {
	m.lock()
	m.stats.Items += uint64(items)
	m.stats.Reasons[why]++
	m.stats.Wait.counts[bucket(wait)]++
	m.fill += fill
	m.unlock()
}

func (m *meter) read() Stats {
	m.lock()
	defer m.unlock()
	s := m.stats
	for _, n := range s.Reasons {
		s.Batches += n
	}
	if s.Batches > 0 {
		s.Fill = min(1, m.fill/float64(s.Batches))
	}
	return s
}

// fullness returns how much of its limits a batch used: the larger of the share
// of MaxItems and the share of MaxWeight. Without either a batch has no size to
// fall short of, and counts as full.
func (b *Buffer[T]) fullness() float64 {
	switch {
	case len(b.items) >= b.lim.items:
		return 1 // the case that is to be quick
	case b.lim.items == math.MaxInt && b.lim.weight == math.MaxInt:
		return 1
	}
	share := max(float64(len(b.items))/float64(b.lim.items), float64(b.weight)/float64(b.lim.weight))
	return min(1, share)
}
