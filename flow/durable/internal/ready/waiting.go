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
		r.mu.Lock()
		levels := maps.Clone(r.levels)
		r.mu.Unlock()
		for _, number := range slices.Sorted(maps.Keys(levels)) {
			if !r.waiting(levels[number], func(e jobdir.Entry, _ place, err error) bool { return yield(e, err) }) {
				return
			}
		}
	}
}

// waiting yields the entries of a level that were not loaded, with their places.
func (r *Log) waiting(l *priorityLog, yield func(jobdir.Entry, place, error) bool) bool {
	r.mu.Lock()
	next, end := l.next, l.end
	r.mu.Unlock()
	if next == end {
		return true
	}
	for rec, err := range l.log.Scan(next, end) {
		var e jobdir.Entry
		if err == nil {
			e, err = jobdir.DecodeEntry(rec.Payload)
		}
		if err != nil {
			yield(jobdir.Entry{}, place{}, fmt.Errorf("durable: ready log: %w", err))
			return false
		}
		r.mu.Lock()
		taken := l.isTaken(e.Seq)
		r.mu.Unlock()
		if !taken && !yield(e, place{e.Seq, rec.Begin()}, nil) {
			return false
		}
	}
	return true
}
