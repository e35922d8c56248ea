package queue

// aged is the order of Aged for priorities: items of one priority leave in the
// order of their arrival, whatever the time, so each priority is a flow.
type aged[T any] struct {
	flows[T]
	rule       *agedPriority[T]
	priorities table[Priority, flow[T]]
}

func (a *aged[T]) tick() { a.rule.tick() }

func (a *aged[T]) push(v T) place { return a.flows.push(a.flow(v), a.rule.key(v), v) }

func (a *aged[T]) pop() place {
	_, p := a.flows.pop()
	return p
}

func (a *aged[T]) restore(p place, v T) { a.flows.restore(a.flow(v), p, v) }

func (a *aged[T]) flow(v T) *flow[T] {
	return a.priorities.get(a.rule.of(v), func(f *flow[T]) bool { return f.items.n == 0 })
}
