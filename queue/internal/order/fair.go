package order

import "github.com/balerhq/baler/queue/internal/rank"

// NewFair returns the order of Fair for priorities. Each tenant in a level is a
// flow.
func NewFair[T any, P ~int](priority func(T) P, tenants Tenants[T]) Order[T] {
	return &fair[T, P]{shares: shares[T]{Tenants: tenants}, priority: priority}
}

type fair[T any, P ~int] struct {
	flows[T]
	shares   shares[T]
	priority func(T) P
}

func (f *fair[T, P]) Tick() {}

func (f *fair[T, P]) Push(v T) rank.Key {
	to := f.shares.find(LevelKey(f.priority(v)), v)
	return f.push(to, f.shares.start(to, v), v)
}

func (f *fair[T, P]) Pop() rank.Key {
	from, k := f.pop()
	from.left(k.Start)
	return k
}

func (f *fair[T, P]) Restore(k rank.Key, v T) {
	to := f.shares.find(k.Urgency, v)
	f.shares.restore(to, k, v)
	f.restore(to, k, v)
}
