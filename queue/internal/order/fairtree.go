package order

import "github.com/balerhq/baler/queue/internal/rank"

// NewFairTree returns the order of Fair for priorities, indexed: by level, then
// by virtual start.
func NewFairTree[T any, P ~int](priority func(T) P, tenants Tenants[T]) Indexed[T] {
	level := func(v T) int64 { return LevelKey(priority(v)) }
	return &fairTree[T]{shares: shares[T]{Tenants: tenants}, level: level}
}

type fairTree[T any] struct {
	items  rank.Tree[T]
	shares shares[T]
	level  func(T) int64 // as an urgency
	seq    uint64
}

func (f *fairTree[T]) Len() int            { return f.items.Len() }
func (f *fairTree[T]) Tick()               {}
func (f *fairTree[T]) Head() *T            { return f.items.Head() }
func (f *fairTree[T]) At(k rank.Key) T     { return *f.items.At(k) }
func (f *fairTree[T]) Rank(k rank.Key) int { return f.items.Rank(k) }

func (f *fairTree[T]) Push(v T) rank.Key {
	f.seq++
	return f.join(f.level(v), f.seq, v)
}

// join adds v at the end of its tenant's share in a level.
func (f *fairTree[T]) join(level int64, seq uint64, v T) rank.Key {
	k := rank.Key{Urgency: level, Start: f.shares.start(f.shares.find(level, v), v), Seq: seq}
	f.items.Insert(k, v)
	return k
}

func (f *fairTree[T]) Pop() rank.Key {
	v := *f.Head()
	k := f.items.Pop()
	f.shares.served(k, v)
	return k
}

func (f *fairTree[T]) Restore(k rank.Key, v T) {
	f.shares.restore(f.shares.find(k.Urgency, v), k, v)
	f.items.Insert(k, v)
}

func (f *fairTree[T]) Remove(k rank.Key) T {
	v := f.items.Remove(k)
	f.shares.removed(k, v)
	return v
}

// Update leaves v at k if level, tenant and cost stay the same. Otherwise v
// joins the end of its tenant's share.
func (f *fairTree[T]) Update(k rank.Key, v T) rank.Key {
	level := f.level(v)
	if old := f.items.At(k); level == k.Urgency && f.shares.same(*old, v) {
		*old = v
		return k
	}
	f.Remove(k)
	return f.join(level, k.Seq, v)
}
