package queue

// flow is what belongs together in a queue: a tenant in a level, for [Fair], or
// a priority, for [Aged].
type flow[T any] struct {
	share[T]
	key   int64            // of the places of its items
	items fifo[stamped[T]] // if they are in [flows]
	first place            // of the first of items
	at    int              // in the heap of flows
}
