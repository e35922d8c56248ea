package ready

import (
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// Following reports whether there may be followers that wait.
func (r *Log) Following() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.levels[jobdir.FollowerLevel]
	return l != nil && l.next != l.end
}

// Followers returns at most n of the followers that wait between two places,
// and the place after them. A zero place is the beginning, or the end. They
// stay where they are until they are taken.
func (r *Log) Followers(from, to segment.Pos, n int) (found []jobdir.Entry, next segment.Pos, err error) {
	r.mu.Lock()
	l := r.levels[jobdir.FollowerLevel]
	if l == nil {
		r.mu.Unlock()
		return nil, from, nil
	}
	if from == (segment.Pos{}) {
		from = l.next
	}
	if to == (segment.Pos{}) {
		to = l.end
	}
	first := from == l.next
	r.mu.Unlock()
	next = from
	if from == to {
		return nil, next, nil
	}
	for rec, err := range l.log.Scan(from, to) {
		if err != nil {
			return nil, next, fmt.Errorf("durable: ready log: %w", err)
		}
		e, err := jobdir.DecodeEntry(rec.Payload)
		if err != nil {
			return nil, next, err
		}
		next = rec.End()
		claimed, leaving := r.stateOf(l, e.Seq)
		if first = first && claimed; first {
			r.pass(l, e.Seq, next)
		}
		if claimed || leaving {
			continue
		}
		if found = append(found, e); len(found) == n {
			break
		}
	}
	return found, next, nil
}

// stateOf reports whether a follower is in a batch, or was taken for one.
func (r *Log) stateOf(l *priorityLog, seq uint64) (claimed, leaving bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, claimed = l.claimed[seq]
	return claimed, l.leaving[seq]
}

// pass lets the log begin after a follower that is in a batch, as all before it
// are.
func (r *Log) pass(l *priorityLog, seq uint64, end segment.Pos) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.next, l.nextSeq = end, seq+1
	delete(l.claimed, seq)
}

// Take takes followers, so that they are put into batches.
func (r *Log) Take(entries []jobdir.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.levels[jobdir.FollowerLevel]
	for i := range entries {
		l.leaving[entries[i].Seq] = true
	}
}
