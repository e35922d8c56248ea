package ready

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// LoadChunk is how many ready entries are loaded at once. At most twice as many
// are in memory between the disk and the accumulator. It is small, so that an
// urgent latecomer is soon next.
const LoadChunk = 1024

// Log holds the items that wait for a batch: one log of entries for each
// priority, the most urgent first. Entries are only added. All entries before
// the head of a log are claimed.
type Log struct {
	*jobdir.Dir
	store state.Store

	adding sync.Mutex // entries become visible in the order of their numbers
	Seq    uint64     // the last number given
	failed error      // of the first Add that failed in the middle: its entries stand in the logs

	mu     sync.Mutex
	levels map[uint8]*priorityLog
	pins   map[string]map[uint8]uint64 // by tag: the lowest number that the open batch has claimed in each log
	more   bool                        // there may be entries that were not loaded

	reading sync.Mutex        // of what leaves the line, taken before mu
	line    *line             // nil if levels alone order the entries
	filled  bool              // the line has all that wait
	leaving map[uint64]Waiter // entries that have left the line and are in no batch yet
}

// Open finds the logs, their heads and the last number given.
func Open(ctx context.Context, a *jobdir.Dir, store state.Store) (*Log, error) {
	r := &Log{Dir: a, store: store, levels: make(map[uint8]*priorityLog), pins: make(map[string]map[uint8]uint64), leaving: make(map[uint64]Waiter)}
	for rec, err := range store.Scan(ctx, a.Keys.Make('e'), nil) {
		if err != nil {
			return nil, err
		}
		r.levels[rec.Key[len(rec.Key)-1]] = nil
	}
	for number := range r.levels {
		l, err := r.openPriority(ctx, number)
		if err != nil {
			return nil, errors.Join(append(r.Close(), err)...)
		}
		r.levels[number] = l
		r.Seq = max(r.Seq, l.tail.Value.Seq)
		r.more = r.more || l.next != l.end && number != jobdir.FollowerLevel
	}
	return r, nil
}

// Add stores new entries, numbered in order, and commits them with other ops.
// It ends with ctx only before it begins. After an error in the middle it adds
// nothing more: the next commit would acknowledge the entries of the failed one,
// too, and their rows, which are read again, would be bought twice.
func (r *Log) Add(ctx context.Context, entries []jobdir.Entry, ops ...state.Op) error {
	if len(entries) == 0 {
		return r.store.Commit(ctx, ops...) // it waits for nobody else's entries
	}
	r.adding.Lock()
	defer r.adding.Unlock()
	if r.failed == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.failed == nil {
		r.failed = r.add(context.WithoutCancel(ctx), entries, ops)
	}
	return r.failed
}

// add does what Add says. The caller holds adding.
func (r *Log) add(ctx context.Context, entries []jobdir.Entry, ops []state.Op) error {
	touched := make(map[*priorityLog]struct{})
	refs := make([]segment.Ref, len(entries))
	for i := range entries {
		l, err := r.priority(ctx, entries[i].Level)
		if err != nil {
			return err
		}
		r.Seq++
		entries[i].Seq = r.Seq
		if refs[i], err = l.append(&entries[i]); err != nil {
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
		l.end = l.tail.Value.End
		r.more = r.more || l.number != jobdir.FollowerLevel
	}
	if r.filled {
		return r.added(entries, refs)
	}
	return nil
}

// priority returns the log of a priority. It makes the log if there is none.
// The caller holds adding.
func (r *Log) priority(ctx context.Context, number uint8) (*priorityLog, error) {
	r.mu.Lock()
	l := r.levels[number]
	r.mu.Unlock()
	if l != nil {
		return l, nil
	}
	l, err := r.openPriority(ctx, number)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.levels[number] = l
	return l, nil
}

// Any reports whether there may be entries to load.
func (r *Log) Any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.filled {
		return r.line.any()
	}
	return r.more
}

// Load returns the next entries, at most n, the most urgent first or in the
// order that Sort has set. It leaves out followers.
func (r *Log) Load(n int) (found []jobdir.Entry, err error) {
	if r.line != nil {
		return r.loadSorted(n)
	}
	for _, l := range r.urgentFirst() {
		if found, err = r.loadPriority(l, found, n); err != nil {
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

// urgentFirst returns the logs, the most urgent first. It resets more, which
// Add sets again.
func (r *Log) urgentFirst() []*priorityLog {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.more = false
	levels := make([]*priorityLog, 0, len(r.levels))
	for number, l := range r.levels {
		if number != jobdir.FollowerLevel {
			levels = append(levels, l)
		}
	}
	slices.SortFunc(levels, func(a, b *priorityLog) int { return cmp.Compare(a.number, b.number) })
	return levels
}

func (r *Log) loadPriority(l *priorityLog, found []jobdir.Entry, n int) ([]jobdir.Entry, error) {
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

// Claim records that entries are in a sealed batch and returns the ops that
// move the heads.
func (r *Log) Claim(entries []jobdir.Entry) ([]state.Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := make(map[*priorityLog]struct{})
	for i := range entries {
		l := r.levels[entries[i].Level]
		if _, picked := l.picked[entries[i].Seq]; picked {
			delete(l.picked, entries[i].Seq)
		} else {
			l.claimed[entries[i].Seq] = struct{}{}
		}
		delete(l.leaving, entries[i].Seq)
		delete(r.leaving, entries[i].Seq)
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

// Taken records entries that a batch of an earlier run has claimed.
func (r *Log) Taken(entries []jobdir.Entry) {
	for i := range entries {
		if l := r.levels[entries[i].Level]; l != nil && entries[i].Seq >= l.head.Value.Seq {
			l.take(entries[i].Seq, r.line != nil)
		}
	}
}

// MayTake reports whether a batch with these last numbers has claimed anything
// that is not before a head.
func (r *Log) MayTake(last map[uint8]uint64) bool {
	for number, seq := range last {
		if l := r.levels[number]; l != nil && seq >= l.head.Value.Seq {
			return true
		}
	}
	return false
}

// Close closes all that is open.
func (r *Log) Close() (errs []error) {
	for _, l := range r.levels {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	return errs
}
