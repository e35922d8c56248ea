package accumulator

import "sync/atomic"

// epoch counts the batches closed between two calls of Flush that are not yet
// delivered. It is ready when they are and the epoch before it is ready, so
// that handlers may finish out of order.
type epoch struct {
	left  atomic.Int64 // batches, plus one until sealed, plus one until the epoch before is ready
	ready chan struct{}
	next  *epoch
}

func newEpoch(left int64) *epoch {
	e := &epoch{ready: make(chan struct{})}
	e.left.Store(left)
	return e
}

// seal ends the epoch and returns the one that follows it.
func (e *epoch) seal() *epoch {
	next := newEpoch(2)
	e.next = next
	e.done()
	return next
}

// add counts a closed batch.
func (e *epoch) add() { e.left.Add(1) }

// done uncounts one; it may make later epochs ready, too.
func (e *epoch) done() {
	for e != nil && e.left.Add(-1) == 0 {
		close(e.ready)
		e = e.next
	}
}
