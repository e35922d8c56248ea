package durable

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/balerhq/baler/flow/state"
)

// loadChunk is how many ready entries are in memory between the store and the
// accumulator, at most twice. Small, so that an urgent latecomer is soon next.
const loadChunk = 1024

// ready is the durable queue of items that wait for a batch: by level, the
// most urgent first, and by sequence number within. Entries are only added;
// a head per level says before which all are claimed.
type ready struct {
	store state.Store
	keys  keys

	adding sync.Mutex // entries become visible in the order of their numbers
	seq    uint64     // the last number given

	mu     sync.Mutex
	levels map[uint8]*level
	more   bool   // there may be entries that were not loaded
	known  uint64 // entries up to here are an earlier run's: maybe claimed
}

// level is one priority.
type level struct {
	next    uint64              // the first entry that was not loaded
	loaded  []uint64            // loaded and not before the head, in order
	claimed map[uint64]struct{} // of loaded
	head    register[uint64]
}

// add stores new entries, numbered in order, in one commit with other ops.
func (r *ready) add(ctx context.Context, entries []entry, ops ...state.Op) error {
	r.adding.Lock()
	defer r.adding.Unlock()
	for i := range entries {
		r.seq++
		entries[i].seq = r.seq
		ops = append(ops, entries[i].enqueue(r.keys)...)
	}
	if err := r.store.Commit(ctx, ops...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range entries {
		r.level(entries[i].level)
		r.more = true
	}
	return nil
}

// level returns a level, which it may have to make.
func (r *ready) level(n uint8) *level {
	l := r.levels[n]
	if l == nil {
		l = &level{claimed: make(map[uint64]struct{}), head: register[uint64]{key: r.keys.head(n)}}
		r.levels[n] = l
	}
	return l
}

// any reports whether there may be entries to load.
func (r *ready) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.more
}

// load returns the next entries, at most n, the most urgent first.
func (r *ready) load(ctx context.Context, n int) ([]entry, error) {
	r.mu.Lock()
	numbers := make([]uint8, 0, len(r.levels))
	for number := range r.levels {
		numbers = append(numbers, number)
	}
	r.more = false
	r.mu.Unlock()
	slices.Sort(numbers)
	var found []entry
	for _, number := range numbers {
		var err error
		if found, err = r.loadLevel(ctx, number, found, n); err != nil {
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

func (r *ready) loadLevel(ctx context.Context, number uint8, found []entry, n int) ([]entry, error) {
	r.mu.Lock()
	l := r.level(number)
	r.mu.Unlock()
	next := l.next // only load changes it
	var loaded []uint64
	for rec, err := range r.store.Scan(ctx, r.keys.level(number), r.keys.ready(number, next)) {
		if err != nil {
			return nil, err
		}
		e, err := decodeEntry(rec.Value)
		if err != nil {
			return nil, err
		}
		next = e.seq + 1
		wanted, err := r.wanted(ctx, &e)
		if err != nil {
			return nil, err
		}
		if wanted {
			loaded = append(loaded, e.seq)
			found = append(found, e)
		}
		if len(found) == n {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.next = next
	l.loaded = append(l.loaded, loaded...)
	return found, nil
}

// wanted reports whether the entry is still its item's. Only those of an
// earlier run can have been claimed, so only they cost a read.
func (r *ready) wanted(ctx context.Context, e *entry) (bool, error) {
	if e.seq > r.known {
		return true, nil
	}
	rec, err := r.store.Get(ctx, r.keys.item(hashKey(e.key)))
	if err != nil {
		return false, err
	}
	it, err := decodeItem(rec.Value)
	return it.state == queued && it.seq == e.seq, err
}

// claim notes that entries are in a sealed batch and returns the ops that move
// the heads.
func (r *ready) claim(entries []entry) ([]state.Op, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	touched := make(map[*level]bool)
	for i := range entries {
		l := r.level(entries[i].level)
		l.claimed[entries[i].seq] = struct{}{}
		touched[l] = true
	}
	var ops []state.Op
	for l := range touched {
		op, err := l.advance()
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// advance moves the head to the first entry that is not claimed.
func (l *level) advance() (state.Op, error) {
	n := 0
	for n < len(l.loaded) {
		if _, ok := l.claimed[l.loaded[n]]; !ok {
			break
		}
		delete(l.claimed, l.loaded[n])
		n++
	}
	l.loaded = slices.Delete(l.loaded, 0, n)
	head := l.next
	if len(l.loaded) > 0 {
		head = l.loaded[0]
	}
	return l.head.put(head)
}

// openReady finds the levels, their heads and the last number given.
func openReady(ctx context.Context, store state.Store, k keys) (*ready, error) {
	r := &ready{store: store, keys: k, levels: make(map[uint8]*level)}
	for rec, err := range store.Scan(ctx, k.make('h'), nil) {
		if err != nil {
			return nil, err
		}
		r.level(rec.Key[len(rec.Key)-1])
	}
	for _, l := range r.levels {
		if err := load(ctx, store, &l.head); err != nil {
			return nil, err
		}
		l.next = l.head.value
		r.seq = max(r.seq, l.next)
	}
	if err := r.findEntries(ctx); err != nil {
		return nil, err
	}
	r.known = r.seq
	return r, nil
}

// findEntries hops from level to level and reads each from its head on.
func (r *ready) findEntries(ctx context.Context) error {
	prefix := r.keys.make('q')
	for from := prefix; from != nil; {
		number, ok, err := r.firstLevel(ctx, prefix, from)
		if err != nil || !ok {
			return err
		}
		l := r.level(number)
		for rec, err := range r.store.Scan(ctx, r.keys.level(number), r.keys.ready(number, l.next)) {
			if err != nil {
				return err
			}
			r.seq = max(r.seq, binary.BigEndian.Uint64(rec.Key[len(rec.Key)-8:]))
			r.more = true
		}
		from = nil
		if number < 255 {
			from = r.keys.level(number + 1)
		}
	}
	return nil
}

func (r *ready) firstLevel(ctx context.Context, prefix, from []byte) (number uint8, ok bool, err error) {
	for rec, err := range r.store.Scan(ctx, prefix, from) {
		if err != nil {
			return 0, false, err
		}
		return rec.Key[len(prefix)], true, nil
	}
	return 0, false, nil
}
