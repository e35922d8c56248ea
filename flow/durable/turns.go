package durable

import "time"

// turn is a driver that waits to look at its batch.
type turn struct {
	due     time.Time
	granted chan struct{} // closed when it is its turn
	index   int           // among the turns that wait; negative if it does not
}

// turns is a heap: the first to be due on top.
type turns []*turn

func (t turns) Len() int           { return len(t) }
func (t turns) Less(i, j int) bool { return t[i].due.Before(t[j].due) }

func (t turns) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].index, t[j].index = i, j
}

// Push implements heap.Interface.
func (t *turns) Push(x any) {
	added := x.(*turn) //nolint:forcetypeassert // the only type in it
	added.index = len(*t)
	*t = append(*t, added)
}

// Pop implements heap.Interface.
func (t *turns) Pop() any {
	last := len(*t) - 1
	out := (*t)[last]
	(*t)[last], *t = nil, (*t)[:last]
	out.index = -1
	return out
}
