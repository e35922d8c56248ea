package queue

// order keeps queued items in the order in which they leave. It is not safe
// for concurrent use.
type order[T any] interface {
	len() int
	// tick tells that time may have passed. Queue calls it once before a group
	// of other calls, so that a group costs one look at the clock.
	tick()
	push(v T) place
	// head is the first item; there must be one. The pointer holds until the
	// next change.
	head() *T
	// pop removes the first item; there must be one.
	pop() place
	// restore undoes a pop. Several are undone last first.
	restore(p place, v T)
}

// ranked is an order that finds its items again.
type ranked[T any] interface {
	order[T]
	at(p place) T
	rank(p place) int
	remove(p place) T
	// update replaces the item at p, which may change its place.
	update(p place, v T) place
}
