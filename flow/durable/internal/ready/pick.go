package ready

import (
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// Pick takes those of the entries that wait which are wanted, before all others,
// as long as more of them are. It is for logs that levels alone order.
func (r *Log) Pick(more func() bool, wanted func(*jobdir.Entry) (bool, error)) (picked []jobdir.Entry, err error) {
	r.mu.Lock()
	levels := maps.Clone(r.levels)
	r.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(levels)) {
		l := levels[number]
		r.waiting(l, func(e jobdir.Entry, at place, scanned error) bool {
			var wants bool
			if err = scanned; err == nil {
				wants, err = wanted(&e)
			}
			if err != nil {
				return false
			}
			if wants {
				r.pick(l, at)
				picked = append(picked, e)
			}
			return more()
		})
		if err != nil || !more() {
			return picked, err
		}
	}
	return picked, nil
}

// pick keeps an entry from being loaded, and the log from beginning after it
// before it is claimed.
func (r *Log) pick(l *priorityLog, at place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.picked == nil {
		l.picked = make(map[uint64]place)
	}
	l.picked[at.seq] = at
	l.take(at.seq, false)
}
