package queue

// fairFlows is the order of Fair for priorities when nothing has to be found
// again: each tenant in a level is a flow.
type fairFlows[T any] struct {
	flows[T]
	shares shares[T]
	of     func(T) Priority
}

func (f *fairFlows[T]) tick() {}

func (f *fairFlows[T]) push(v T) place {
	to := f.shares.find(levelKey(f.of(v)), v)
	return f.flows.push(to, f.shares.start(to, v), v)
}

func (f *fairFlows[T]) pop() place {
	from, p := f.flows.pop()
	from.left(p.tag)
	return p
}

func (f *fairFlows[T]) restore(p place, v T) {
	to := f.shares.find(p.key, v)
	f.shares.restore(to, p, v)
	f.flows.restore(to, p, v)
}
