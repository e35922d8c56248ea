package accumulator

import "sync/atomic"

// freeList is where things that were used come back to be used again. Any
// goroutine may put; one at a time may get. For the same work a channel takes
// two locks, on cache lines that both sides write.
type freeList[E any] struct {
	most  int64                   // how many are kept; more are left to the garbage collector
	ready *node[E]                // seen by the one who gets
	_     [48]byte                // what follows is for putting
	count atomic.Int64            // of all
	top   atomic.Pointer[node[E]] // put since get last looked
}

// node is the part of a thing by which it hangs on the one that came before it.
type node[E any] struct {
	thing *E
	next  *node[E]
}

func (r *freeList[E]) put(l *node[E]) {
	if r.count.Add(1) > r.most {
		r.count.Add(-1)
		return
	}
	for {
		l.next = r.top.Load()
		if r.top.CompareAndSwap(l.next, l) {
			return
		}
	}
}

// get returns a thing, or nil if none is there.
func (r *freeList[E]) get() *E {
	if r.ready == nil {
		// All are taken at once: to take one from a stack that others push to,
		// its next would have to be read while it may be taken, used and put
		// again.
		if r.top.Load() == nil {
			return nil
		}
		r.ready = r.top.Swap(nil)
	}
	l := r.ready
	r.ready, l.next = l.next, nil
	r.count.Add(-1)
	return l.thing
}
