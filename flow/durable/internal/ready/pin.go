package ready

import (
	"fmt"
	"math"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// Pin keeps the entries that a batch has claimed until it is done, so that its
// manifest can be made again from them.
func (r *Log) Pin(tag string, spans []jobdir.ClaimSpan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pins[tag] = jobdir.Lowest(spans)
}

// Unpin is the inverse of Pin, of Hold and of Admit. It removes files that only
// the batch needed.
func (r *Log) Unpin(tag string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pins, tag)
	for _, l := range r.levels {
		if err := l.drop(r.pinned(l.number, math.MaxUint64)); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	if !r.limits() {
		return nil
	}
	return r.line.release(tag)
}

// pinned returns the lowest pinned number of a level, or else the number or.
// The caller holds mu.
func (r *Log) pinned(level uint8, or uint64) uint64 {
	for _, low := range r.pins {
		if seq, ok := low[level]; ok {
			or = min(or, seq)
		}
	}
	return or
}

// TakenSpans records the entries that a batch of an earlier run has claimed.
func (r *Log) TakenSpans(spans []jobdir.ClaimSpan) {
	for _, s := range spans {
		l := r.levels[s.Level()]
		if l == nil {
			continue
		}
		for seq := max(s[1], l.head.Value.Seq); seq <= s[2]; seq++ {
			l.take(seq, r.line != nil)
		}
	}
}
