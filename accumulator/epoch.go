package accumulator

// epoch counts the batches closed between two calls of Flush that are not yet
// delivered. It is ready when they are and the epoch before it is ready, so
// that handlers may finish out of order. The lock of the handover guards it.
type epoch struct {
	left  int           // batches, plus one until sealed, plus one until the epoch before is ready
	ready chan struct{} // closed, when it is
	next  *epoch
}

func newEpoch(left int) *epoch {
	return &epoch{left: left, ready: make(chan struct{})}
}

// seal ends the epoch and returns the one that follows it.
func (e *epoch) seal() *epoch {
	next := newEpoch(2)
	e.next = next
	e.done()
	return next
}

// done uncounts one; it may make later epochs ready, too.
func (e *epoch) done() {
	for e != nil {
		if e.left--; e.left > 0 {
			return
		}
		close(e.ready)
		e = e.next
	}
}
