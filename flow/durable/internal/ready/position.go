package ready

import (
	"fmt"
	"maps"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/queue"
)

// Position returns how many entries leave before the one of an item, if nothing
// changes until then and no tenant is at its limit. It is 0 for one that was
// loaded and is in no batch yet. The error is queue.ErrNotFound if the item
// does not wait. Position reads all entries that wait, and claims wait for it.
func (r *Log) Position(key string) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &search{log: r, key: key}
	if r.line != nil {
		o := r.line.Order
		o.Limit = 0
		s.line = newLine(o)
	}
	for _, number := range slices.Sorted(maps.Keys(r.levels)) {
		if l := r.levels[number]; number != jobdir.FollowerLevel && !s.found {
			if err := s.level(l); err != nil {
				return 0, err
			}
		}
	}
	if s.line != nil && s.waits != 0 {
		return s.inLine()
	}
	if !s.found {
		return 0, queue.ErrNotFound
	}
	return s.ahead, nil
}

// search looks for the entry of an item.
type search struct {
	log   *Log
	key   string
	line  *line  // what waits, if levels alone do not order it
	waits uint64 // number of the entry, once it is in the line
	ahead int
	found bool
}

// level goes through a level until the entry's position is known.
func (s *search) level(l *priorityLog) error {
	from := l.next
	if len(l.loaded) > 0 {
		from = l.loaded[0].pos
	}
	if from == l.end {
		return nil
	}
	for rec, err := range l.log.Scan(from, l.end) {
		var e jobdir.Entry
		if err == nil {
			e, err = jobdir.DecodeEntry(rec.Payload)
		}
		if err != nil {
			return fmt.Errorf("durable: ready log: %w", err)
		}
		_, leaving := s.log.leaving[e.Seq]
		switch begin := rec.Begin(); {
		case l.isTaken(e.Seq), s.log.filled && !l.isLoaded(e.Seq): // claimed, in an earlier process too
			continue
		case leaving || s.line == nil && before(begin, l.next):
			if s.found = e.Key == s.key; s.found {
				s.ahead = 0
			}
		case s.line != nil:
			if e.Key == s.key {
				s.waits = e.Seq
			}
			err = s.line.push(waiterOf(&e, rec.Ref))
		case e.Key == s.key:
			s.found = true
		default:
			s.ahead++
		}
		if err != nil || s.found {
			return err
		}
	}
	return nil
}

// inLine counts what leaves the line before the entry.
func (s *search) inLine() (n int, err error) {
	for {
		w, ok, err := s.line.next()
		if err != nil || !ok || w.seq == s.waits {
			return n, err
		}
		n++
	}
}

func before(a, b segment.Pos) bool {
	return a.File < b.File || a.File == b.File && a.Offset < b.Offset
}
