package order

import (
	"time"

	"github.com/balerhq/baler/queue/internal/rank"
)

// NewAging returns the order of Aged for priorities. Items of one priority
// leave in the order of their arrival at any time, so each priority is a flow.
func NewAging[T any, P ~int](priority func(T) P, aging time.Duration) Order[T] {
	return &agingOrder[T, P]{rule: newAgedPriority(priority, aging)}
}

type agingOrder[T any, P ~int] struct {
	flows[T]
	rule       *agedPriority[T, P]
	priorities table[P, flow[T]]
}

func (a *agingOrder[T, P]) Tick() { a.rule.Tick() }

func (a *agingOrder[T, P]) Push(v T) rank.Key { return a.push(a.flow(v), a.rule.Urgency(v), v) }

func (a *agingOrder[T, P]) Pop() rank.Key {
	_, k := a.pop()
	return k
}

func (a *agingOrder[T, P]) Restore(k rank.Key, v T) { a.restore(a.flow(v), k, v) }

func (a *agingOrder[T, P]) flow(v T) *flow[T] {
	return a.priorities.get(a.rule.priority(v), func(f *flow[T]) bool { return f.items.Len() == 0 })
}
