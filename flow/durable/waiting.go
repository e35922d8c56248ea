package durable

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// waiting yields the entries that were not loaded, the most urgent first, and
// leaves them where they are.
func (r *ready) waiting() iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for _, number := range slices.Sorted(maps.Keys(r.levels)) {
			if !r.levels[number].waiting(yield) {
				return
			}
		}
	}
}

func (l *level) waiting(yield func(entry, error) bool) bool {
	if l.next == l.end {
		return true
	}
	for rec, err := range l.log.Scan(l.next, l.end) {
		var e entry
		if err == nil {
			e, err = decodeEntry(rec.Payload)
		}
		if err != nil {
			yield(entry{}, fmt.Errorf("durable: ready queue: %w", err))
			return false
		}
		if !l.taken.has(e.seq) && !yield(e, nil) {
			return false
		}
	}
	return true
}
