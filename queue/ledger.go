package queue

import (
	"context"
	"maps"
	"slices"
	"sync"
)

const (
	// headEvery is by how much a head must have moved to be written again. It
	// bounds what is scanned in vain when the queue is opened.
	headEvery = 256
	// boundStep is how many sequence numbers are claimed at a time.
	boundStep = 1 << 16
)

// ledger knows which stored items are not acknowledged, and so where the head
// of each level is. It is safe for concurrent use.
type ledger struct {
	store Store
	keys  keyspace

	growing sync.Mutex // held while admit writes ahead; before mu
	mu      sync.Mutex
	seq     uint64 // of the last item
	bound   uint64 // stored: no seq has reached it
	levels  map[int64]*stock
}

// stock is what is stored of one level.
type stock struct {
	waiting tree[struct{}] // places not acknowledged
	head    uint64         // last written, perhaps in vain: nothing waits before
}

// admit gives items of the given levels their places. They count as waiting
// from now on, so that no head passes them while they are being stored.
func (l *ledger) admit(ctx context.Context, levels []int64) ([]place, error) {
	l.growing.Lock()
	defer l.growing.Unlock()
	if err := l.grow(ctx, levels); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	places := make([]place, len(levels))
	for i, level := range levels {
		l.seq++
		places[i] = place{key: level, seq: l.seq}
		l.levels[level].waiting.insert(places[i], struct{}{})
	}
	return places, nil
}

// grow stores what must be known after a crash before any of the items is: that
// their levels exist and that their numbers are taken.
func (l *ledger) grow(ctx context.Context, levels []int64) error {
	l.mu.Lock()
	next := l.seq + 1
	bound, begun := l.bound, map[int64]*stock{}
	if next+uint64(len(levels)) > bound {
		bound = next + uint64(len(levels)) + boundStep
	}
	for _, level := range levels {
		if l.levels[level] == nil {
			begun[level] = &stock{head: next}
		}
	}
	l.mu.Unlock()
	if bound == l.bound && len(begun) == 0 {
		return nil
	}
	var w write
	w.set(l.keys.bound(), number(nil, bound))
	for level, s := range begun {
		w.set(l.keys.head(level), number(nil, s.head))
	}
	if err := l.store.Commit(ctx, w.keys, w.values); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bound = bound
	maps.Copy(l.levels, begun)
	return nil
}

// finish is the write that places are done. It moves the heads of their levels,
// if that is far enough. An item is still in the way of its head until settle,
// which comes after it is stored that it is done.
func (l *ledger) finish(places []place) (w write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range places {
		w.set(l.keys.item(p), nil)
		s := l.levels[p.key]
		if head := l.headOf(s); head >= s.head+headEvery {
			s.head = head
			w.set(l.keys.head(p.key), number(nil, head))
		}
	}
	return w
}

// headOf is the first sequence number that may wait in a level.
func (l *ledger) headOf(s *stock) uint64 {
	if s.waiting.n == 0 {
		return l.seq + 1
	}
	return s.waiting.first().seq
}

// settle forgets places that are done, or were never stored, and returns those
// that were not forgotten before.
func (l *ledger) settle(places []place) (settled []place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range places {
		if s := l.levels[p.key]; s.waiting.has(p) {
			s.waiting.remove(p)
			settled = append(settled, p)
		}
	}
	return settled
}

// waiting picks the places that are not acknowledged, each once.
func (l *ledger) waiting(places []place) []place {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(places, place.compare)
	return slices.DeleteFunc(slices.Compact(places), func(p place) bool {
		s := l.levels[p.key]
		return s == nil || !s.waiting.has(p)
	})
}

// restore takes in an item found in the store.
func (l *ledger) restore(p place) {
	l.seq = max(l.seq, p.seq)
	l.levels[p.key].waiting.insert(p, struct{}{})
}
