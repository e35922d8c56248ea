package durable

import (
	"context"
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

const (
	readyDir  = "ready"
	readySize = 8 << 20 // of a file of a level's log
)

// level is the ready entries of one priority.
type level struct {
	number  uint8
	log     *segment.Log
	tail    register[tailState]
	head    register[headState]
	dropped uint32            // files of the log below this one are gone
	starts  map[uint32]uint64 // numbers of the first entries of files

	end     segment.Pos         // what was acknowledged
	next    segment.Pos         // what was not loaded; only load moves it
	nextSeq uint64              // no entry from next on has a smaller number
	taken   numbers             // from the head on, claimed before this run
	loaded  []place             // in this run and not before the head, in order
	claimed map[uint64]struct{} // of loaded
}

// place is where an entry stands.
type place struct {
	seq uint64
	pos segment.Pos
}

// tailState is how far a level's log reaches.
type tailState struct {
	End segment.Pos `json:"end"`
	Seq uint64      `json:"seq"` // the last number given
}

// headState is the first entry of a level that is not claimed.
type headState struct {
	Pos segment.Pos `json:"pos"`
	Seq uint64      `json:"seq"` // its number, or one not above it
}

func (r *ready) openLevel(ctx context.Context, number uint8) (*level, error) {
	l := &level{
		number:  number,
		tail:    register[tailState]{key: r.keys.tail(number)},
		head:    register[headState]{key: r.keys.head(number)},
		claimed: make(map[uint64]struct{}),
		starts:  make(map[uint32]uint64),
	}
	if err := load(ctx, r.store, &l.tail); err != nil {
		return nil, err
	}
	if err := load(ctx, r.store, &l.head); err != nil {
		return nil, err
	}
	log, err := segment.OpenLog(r.root, levelDir(number), r.readyLabel(number), readySize, l.tail.value.End)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	l.log, l.end = log, l.tail.value.End
	l.next, l.nextSeq = l.head.value.Pos, l.head.value.Seq
	return l, nil
}

func levelDir(number uint8) string { return fmt.Sprintf("%s/%02x", readyDir, number) }

func (l *level) append(e *entry) error {
	_, err := l.log.Append(e.encode())
	l.tail.value.Seq = e.seq
	return err
}

// sync makes what was appended survive, and returns the op that acknowledges it.
func (l *level) sync() (state.Op, error) {
	if err := l.log.Sync(); err != nil {
		return state.Op{}, err
	}
	return l.tail.put(tailState{End: l.log.End(), Seq: l.tail.value.Seq})
}

// read adds entries up to end to found, until there are n, and says where they
// stand and where to go on.
func (l *level) read(end segment.Pos, found []entry, n int) (_ []entry, next headState, places []place, err error) {
	next = headState{Pos: l.next, Seq: l.nextSeq}
	if next.Pos == end {
		return found, next, nil, nil
	}
	for rec, err := range l.log.Scan(next.Pos, end) {
		if err != nil {
			return nil, next, nil, fmt.Errorf("durable: ready queue: %w", err)
		}
		e, err := decodeEntry(rec.Payload)
		if err != nil {
			return nil, next, nil, err
		}
		next = headState{Pos: rec.End(), Seq: e.seq + 1}
		if l.taken.has(e.seq) {
			continue
		}
		places = append(places, place{e.seq, rec.Begin()})
		if found = append(found, e); len(found) == n {
			break
		}
	}
	return found, next, places, nil
}

// drop removes the files of which no entry is needed.
func (l *level) drop(pinned uint64) error {
	recorded := l.head.value.Pos.File
	if recorded <= l.dropped {
		return nil
	}
	first := max(l.dropped, 1)
	for first < recorded {
		begins, err := l.begins(first + 1)
		if err != nil || begins > pinned {
			break // what cannot be read stays
		}
		first++
	}
	if first == l.dropped {
		return nil
	}
	l.dropped = first
	return l.log.Drop(segment.Pos{File: first})
}

// begins is the number of the first entry of a file.
func (l *level) begins(file uint32) (uint64, error) {
	if seq, ok := l.starts[file]; ok {
		return seq, nil
	}
	for rec, err := range l.log.Scan(segment.Pos{File: file}, segment.Pos{File: file + 1}) {
		if err != nil {
			return 0, err
		}
		e, err := decodeEntry(rec.Payload)
		if err == nil {
			l.starts[file] = e.seq
		}
		return e.seq, err
	}
	return 0, segment.ErrDamaged
}

// advance moves the head to the first entry that is not claimed. Files that
// lie before the head as it was recorded last, and before the first entry that is
// pinned, are of no more use.
func (l *level) advance(pinned uint64) (state.Op, error) {
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
	l.loaded = slices.Delete(l.loaded, 0, n)
	head := headState{Pos: l.next, Seq: l.nextSeq}
	if len(l.loaded) > 0 {
		head = headState{Pos: l.loaded[0].pos, Seq: l.loaded[0].seq}
	}
	return l.head.put(head)
}
