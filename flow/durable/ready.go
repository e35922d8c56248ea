package durable

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/balerhq/baler/flow/state"
)

// loadChunk is how many ready entries are in memory between the disk and the
// accumulator, at most twice. Small, so that an urgent latecomer is soon next.
const loadChunk = 1024

// ready is the durable queue of items that wait for a batch: a log of entries
// for each level, the most urgent first. Entries are only added; a head per
// level says before which all are claimed.
type ready struct {
	*files
	store state.Store

	adding sync.Mutex // entries become visible in the order of their numbers
	seq    uint64     // the last number given

	mu     sync.Mutex
	levels map[uint8]*level
	pins   map[string]map[uint8]uint64 // by tag: the lowest numbers that open batches have claimed
	more   bool                        // there may be entries that were not loaded
}

// openReady finds the levels, their heads and the last number given.
func openReady(ctx context.Context, a *files, store state.Store) (*ready, error) {
	r := &ready{files: a, store: store, levels: make(map[uint8]*level), pins: make(map[string]map[uint8]uint64)}
	for rec, err := range store.Scan(ctx, a.keys.make('e'), nil) {
		if err != nil {
			return nil, err
		}
		r.levels[rec.Key[len(rec.Key)-1]] = nil
	}
	for number := range r.levels {
		l, err := r.openLevel(ctx, number)
		if err != nil {
			return nil, errors.Join(append(r.close(), err)...)
		}
		r.levels[number] = l
		r.seq = max(r.seq, l.tail.value.Seq)
		r.more = r.more || l.next != l.end
	}
	return r, nil
}

// add stores new entries, numbered in order, and commits them with other ops.
func (r *ready) add(ctx context.Context, entries []entry, ops ...state.Op) error {
	r.adding.Lock()
	defer r.adding.Unlock()
	touched := make(map[*level]struct{})
	for i := range entries {
		l, err := r.level(ctx, entries[i].level)
		if err != nil {
			return err
		}
		r.seq++
		entries[i].seq = r.seq
		if err := l.append(&entries[i]); err != nil {
			return err
		}
		touched[l] = struct{}{}
	}
	for l := range touched {
		op, err := l.sync()
		if err != nil {
			return err
		}
		ops = append(ops, op)
	}
	if err := r.store.Commit(ctx, ops...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := range touched {
		l.end = l.tail.value.End
		r.more = true
	}
	return nil
}

// level returns a level, which it may have to make. The caller holds adding.
func (r *ready) level(ctx context.Context, number uint8) (*level, error) {
	r.mu.Lock()
	l := r.levels[number]
	r.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l, err := r.openLevel(ctx, number)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.levels[number] = l
	return l, nil
}

// any reports whether there may be entries to load.
func (r *ready) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.more
}

// load returns the next entries, at most n, the most urgent first.
func (r *ready) load(n int) (found []entry, err error) {
	for _, l := range r.urgentFirst() {
		if found, err = r.loadLevel(l, found, n); err != nil {
			return nil, err
		}
		if len(found) == n {
			break
		}
	}
	if len(found) > 0 {
		r.mu.Lock()
		r.more = true
		r.mu.Unlock()
	}
	return found, nil
}

// urgentFirst lists the levels. Until more is added, there is nothing behind
// what they hold now.
func (r *ready) urgentFirst() []*level {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.more = false
	levels := make([]*level, 0, len(r.levels))
	for _, l := range r.levels {
		levels = append(levels, l)
	}
	slices.SortFunc(levels, func(a, b *level) int { return cmp.Compare(a.number, b.number) })
	return levels
}

func (r *ready) loadLevel(l *level, found []entry, n int) ([]entry, error) {
	r.mu.Lock()
	end := l.end
	r.mu.Unlock()
	found, next, places, err := l.read(end, found, n)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.next, l.nextSeq = next.Pos, next.Seq
	l.loaded = append(l.loaded, places...)
	return found, nil
}

// claim notes that entries are in a sealed batch and returns the ops that move
// the heads.
func (r *ready) claim(entries []entry) ([]state.Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := make(map[*level]struct{})
	for i := range entries {
		l := r.levels[entries[i].level]
		l.claimed[entries[i].seq] = struct{}{}
		touched[l] = struct{}{}
	}
	var ops []state.Op
	for l := range touched {
		op, err := l.advance(r.pinned(l.number, math.MaxUint64))
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// taken notes entries that a batch of an earlier run has claimed.
func (r *ready) taken(entries []entry) {
	for i := range entries {
		if l := r.levels[entries[i].level]; l != nil && entries[i].seq >= l.head.value.Seq {
			l.taken.add(entries[i].seq)
		}
	}
}

// mayTake reports whether a batch with these last numbers has claimed anything
// that is not before a head.
func (r *ready) mayTake(last map[uint8]uint64) bool {
	for number, seq := range last {
		if l := r.levels[number]; l != nil && seq >= l.head.value.Seq {
			return true
		}
	}
	return false
}

func (r *ready) close() (errs []error) {
	for _, l := range r.levels {
		if l != nil {
			errs = append(errs, l.log.Close())
		}
	}
	return errs
}
