package queue

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/balerhq/baler/queue/internal/rank"
)

const (
	// headEvery is the distance that a head must have moved to be written
	// again. It bounds how many acknowledged items a scan passes when the queue
	// is opened.
	headEvery = 256
	// boundStep is how many sequence numbers are taken at a time.
	boundStep = 1 << 16
)

// ackIndex knows which stored items are not acknowledged, and so the head of
// each level. The urgency of its keys is the level. It is safe for concurrent
// use.
type ackIndex struct {
	store Store
	keys  keyspace

	growing sync.Mutex // held while assign writes ahead; before mu
	mu      sync.Mutex
	seq     uint64 // of the last item
	bound   uint64 // stored: no seq has reached it
	levels  map[int64]*levelState
}

// levelState is the state of one stored level.
type levelState struct {
	unacked rank.Tree[struct{}]
	head    uint64 // last written, or tried: no item waits before it
}

// assign gives items of the given levels their keys. They count as unacked from
// now on, so that no head passes them while they are being stored.
func (x *ackIndex) assign(ctx context.Context, levels []int64) ([]rank.Key, error) {
	x.growing.Lock()
	defer x.growing.Unlock()
	if err := x.writeAhead(ctx, levels); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := make([]rank.Key, len(levels))
	for i, level := range levels {
		x.seq++
		keys[i] = rank.Key{Urgency: level, Seq: x.seq}
		x.levels[level].unacked.Insert(keys[i], struct{}{})
	}
	return keys, nil
}

// writeAhead stores what must be known after a crash before any of the items is
// stored: that their levels exist and that their sequence numbers are taken.
func (x *ackIndex) writeAhead(ctx context.Context, levels []int64) error {
	x.mu.Lock()
	next := x.seq + 1
	bound, begun := x.bound, map[int64]*levelState{}
	if next+uint64(len(levels)) > bound {
		bound = next + uint64(len(levels)) + boundStep
	}
	for _, level := range levels {
		if x.levels[level] == nil {
			begun[level] = &levelState{head: next}
		}
	}
	x.mu.Unlock()
	if bound == x.bound && len(begun) == 0 {
		return nil
	}
	var w write
	w.set(x.keys.bound(), appendNumber(nil, bound))
	for level, s := range begun {
		w.set(x.keys.head(level), appendNumber(nil, s.head))
	}
	if err := x.store.Commit(ctx, w.keys, w.values); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bound = bound
	maps.Copy(x.levels, begun)
	return nil
}

// ack returns the write that acknowledges keys. It also moves the heads of
// their levels, if they have come far enough. An item holds its head back until
// forget is called, after the write is stored.
func (x *ackIndex) ack(keys []rank.Key) (w write) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		w.set(x.keys.item(k), nil)
		s := x.levels[k.Urgency]
		if head := x.headOf(s); head >= s.head+headEvery {
			s.head = head
			w.set(x.keys.head(k.Urgency), appendNumber(nil, head))
		}
	}
	return w
}

// headOf returns the first sequence number that may wait in a level.
func (x *ackIndex) headOf(s *levelState) uint64 {
	if s.unacked.Len() == 0 {
		return x.seq + 1
	}
	return s.unacked.First().Seq
}

// forget removes keys that are acknowledged, or were never stored. It returns
// those that it had not removed before.
func (x *ackIndex) forget(keys []rank.Key) (forgotten []rank.Key) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, k := range keys {
		if s := x.levels[k.Urgency]; s.unacked.Has(k) {
			s.unacked.Remove(k)
			forgotten = append(forgotten, k)
		}
	}
	return forgotten
}

// unacked selects the keys that are not acknowledged, each once.
func (x *ackIndex) unacked(keys []rank.Key) []rank.Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	slices.SortFunc(keys, rank.Key.Compare)
	return slices.DeleteFunc(slices.Compact(keys), func(k rank.Key) bool {
		s := x.levels[k.Urgency]
		return s == nil || !s.unacked.Has(k)
	})
}

// restore adds an item that was found in the store.
func (x *ackIndex) restore(k rank.Key) {
	x.seq = max(x.seq, k.Seq)
	x.levels[k.Urgency].unacked.Insert(k, struct{}{})
}
