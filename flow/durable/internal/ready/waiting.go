package ready

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// Waiting yields the entries that were not loaded, the most urgent first. It
// does not load them.
func (r *Log) Waiting() iter.Seq2[jobdir.Entry, error] {
	return func(yield func(jobdir.Entry, error) bool) {
		for _, number := range slices.Sorted(maps.Keys(r.levels)) {
			if !r.levels[number].waiting(yield) {
				return
			}
		}
	}
}

func (l *priorityLog) waiting(yield func(jobdir.Entry, error) bool) bool {
	if l.next == l.end {
		return true
	}
	for rec, err := range l.log.Scan(l.next, l.end) {
		var e jobdir.Entry
		if err == nil {
			e, err = jobdir.DecodeEntry(rec.Payload)
		}
		if err != nil {
			yield(jobdir.Entry{}, fmt.Errorf("durable: ready log: %w", err))
			return false
		}
		if !l.isTaken(e.Seq) && !yield(e, nil) {
			return false
		}
	}
	return true
}
