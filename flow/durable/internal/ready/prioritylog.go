package ready

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

const (
	readySize = 8 << 20 // size of a file of a log
)

// priorityLog holds the ready entries of one priority.
type priorityLog struct {
	number  uint8
	log     *segment.Log
	reader  *mapped // of log, for entries that are loaded in another order
	tail    jobdir.Record[jobdir.TailState]
	head    jobdir.Record[jobdir.HeadState]
	durable uint32            // the file of a head that the store has: it has the last, or the one before
	dropped uint32            // files of the log below this one are gone
	starts  map[uint32]uint64 // numbers of the first entries of files

	end     segment.Pos         // the end of the acknowledged entries
	next    segment.Pos         // the first entry that was not loaded; only load moves it
	nextSeq uint64              // no entry from next on has a smaller number
	taken   intervalSet         // from the head on, claimed before this run
	loaded  []place             // not before the head and known in this run, in the order of the log
	claimed map[uint64]struct{} // of loaded; if they are scattered, all from the head on
	leaving map[uint64]bool     // followers that were taken and are not claimed yet
	picked  map[uint64]place    // taken before they were loaded, and not claimed yet
}

// place is the position of an entry.
type place struct {
	seq uint64
	pos segment.Pos
}

func (r *Log) openPriority(ctx context.Context, number uint8) (*priorityLog, error) {
	l := &priorityLog{
		number:  number,
		tail:    jobdir.Record[jobdir.TailState]{Key: r.Keys.Tail(number)},
		head:    jobdir.Record[jobdir.HeadState]{Key: r.Keys.Head(number)},
		claimed: make(map[uint64]struct{}),
		leaving: make(map[uint64]bool),
		starts:  make(map[uint32]uint64),
	}
	if err := jobdir.Load(ctx, r.store, &l.tail); err != nil {
		return nil, err
	}
	if err := jobdir.Load(ctx, r.store, &l.head); err != nil {
		return nil, err
	}
	log, err := segment.OpenLog(r.Root, jobdir.LevelDir(number), r.ReadyLabel(number), readySize, l.tail.Value.End)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	l.log, l.reader, l.end = log, newMapped(log), l.tail.Value.End
	l.next, l.nextSeq, l.durable = l.head.Value.Pos, l.head.Value.Seq, l.head.Value.Pos.File
	return l, nil
}

// take records that an entry was claimed before this run. If they are
// scattered, as those of followers are, few are consecutive.
func (l *priorityLog) take(seq uint64, scattered bool) {
	if scattered || l.number == jobdir.FollowerLevel {
		l.claimed[seq] = struct{}{}
		return
	}
	l.taken.add(seq)
}

func (l *priorityLog) isTaken(seq uint64) bool {
	_, claimed := l.claimed[seq]
	return claimed || l.taken.has(seq)
}

// isLoaded reports whether an entry is known in this run and not before the
// head.
func (l *priorityLog) isLoaded(seq uint64) bool {
	_, ok := slices.BinarySearchFunc(l.loaded, seq, func(p place, n uint64) int { return cmp.Compare(p.seq, n) })
	return ok
}

func (l *priorityLog) append(e *jobdir.Entry) (segment.Ref, error) {
	ref, err := l.log.Append(e.Encode())
	l.tail.Value.Seq = e.Seq
	return ref, err
}

func (l *priorityLog) close() error {
	return errors.Join(l.log.Close(), l.reader.close())
}

// sync syncs the appended entries, and returns the op that acknowledges them.
func (l *priorityLog) sync() (state.Op, error) {
	if err := l.log.Sync(); err != nil {
		return state.Op{}, err
	}
	return l.tail.Put(jobdir.TailState{End: l.log.End(), Seq: l.tail.Value.Seq})
}

// read appends entries up to end to found, until there are n. It also returns
// the places of the entries and where to continue.
func (l *priorityLog) read(end segment.Pos, found []jobdir.Entry, n int) (_ []jobdir.Entry, next jobdir.HeadState, places []place, err error) {
	next = jobdir.HeadState{Pos: l.next, Seq: l.nextSeq}
	if next.Pos == end {
		return found, next, nil, nil
	}
	most := n - len(found)
	if next.Pos.File == end.File {
		most = min(most, int(end.Offset-next.Pos.Offset)/jobdir.EntrySize) //nolint:gosec // within a file
	}
	found, places = slices.Grow(found, most), make([]place, 0, most)
	for rec, err := range l.log.Scan(next.Pos, end) {
		if err != nil {
			return nil, next, nil, fmt.Errorf("durable: ready log: %w", err)
		}
		e, err := jobdir.DecodeEntry(rec.Payload)
		if err != nil {
			return nil, next, nil, err
		}
		next = jobdir.HeadState{Pos: rec.End(), Seq: e.Seq + 1}
		if l.taken.has(e.Seq) {
			continue
		}
		places = append(places, place{e.Seq, rec.Begin()})
		if found = append(found, e); len(found) == n {
			break
		}
	}
	return found, next, places, nil
}

// drop removes the files that have no needed entry: that lie before the head
// and before the first pinned entry.
func (l *priorityLog) drop(pinned uint64) error {
	if l.durable <= l.dropped {
		return nil
	}
	first := max(l.dropped, 1)
	for first < l.durable {
		begins, err := l.begins(first + 1)
		if err != nil || begins > pinned {
			break // a file that cannot be read stays
		}
		first++
	}
	if first == l.dropped {
		return nil
	}
	l.dropped = first
	return l.log.Drop(segment.Pos{File: first})
}

// begins returns the number of the first entry of a file.
func (l *priorityLog) begins(file uint32) (uint64, error) {
	if seq, ok := l.starts[file]; ok {
		return seq, nil
	}
	for rec, err := range l.log.Scan(segment.Pos{File: file}, segment.Pos{File: file + 1}) {
		if err != nil {
			return 0, err
		}
		e, err := jobdir.DecodeEntry(rec.Payload)
		if err == nil {
			l.starts[file] = e.Seq
		}
		return e.Seq, err
	}
	return 0, segment.ErrDamaged
}

// advance moves the head to the first entry that is not claimed. The op of an
// earlier call was committed.
func (l *priorityLog) advance(pinned uint64) (state.Op, error) {
	l.durable = l.head.Value.Pos.File
	if err := l.drop(pinned); err != nil {
		return state.Op{}, fmt.Errorf("durable: %w", err)
	}
	n := 0
	for n < len(l.loaded) {
		if _, ok := l.claimed[l.loaded[n].seq]; !ok {
			break
		}
		delete(l.claimed, l.loaded[n].seq)
		n++
	}
	l.loaded = l.loaded[n:]
	head := jobdir.HeadState{Pos: l.next, Seq: l.nextSeq}
	if len(l.loaded) > 0 {
		head = jobdir.HeadState{Pos: l.loaded[0].pos, Seq: l.loaded[0].seq}
	}
	for _, p := range l.picked {
		if before(p.pos, head.Pos) {
			head = jobdir.HeadState{Pos: p.pos, Seq: p.seq}
		}
	}
	return l.head.Put(head)
}

// intervalSet is a set of numbers that are mostly consecutive.
type intervalSet struct{ spans []interval }

// interval is the numbers from first to last.
type interval struct{ first, last uint64 }

// add takes O(log n) in the number of spans, except for a number that begins a
// new span between others.
func (s *intervalSet) add(n uint64) {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].last+1 >= n })
	switch {
	case i == len(s.spans) || n+1 < s.spans[i].first:
		s.spans = slices.Insert(s.spans, i, interval{n, n})
	case n+1 == s.spans[i].first:
		s.spans[i].first = n
	case n == s.spans[i].last+1:
		s.spans[i].last = n
		if i+1 < len(s.spans) && s.spans[i+1].first == n+1 {
			s.spans[i].last = s.spans[i+1].last
			s.spans = slices.Delete(s.spans, i+1, i+2)
		}
	}
}

// has takes O(log n) in the number of spans.
func (s *intervalSet) has(n uint64) bool {
	i := sort.Search(len(s.spans), func(i int) bool { return s.spans[i].last >= n })
	return i < len(s.spans) && s.spans[i].first <= n
}
