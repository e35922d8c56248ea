package accumulator

import "time"

// openBatch is an open batch with its place among the others. Its memory is
// reused: it goes from the free list to the open set, closed to a consumer, and
// back.
type openBatch[T any] struct {
	Buffer[T]
	key    string
	why    Reason
	closed time.Time
	epoch  *epoch // what a Flush waits for

	older, newer *openBatch[T] // in the list of openSet
	deadline     time.Time
	slot         int // in the heap of openSet, or none

	node node[openBatch[T]] // 256 bytes end here, a size that is allocated on cache line boundaries
}

func newOpenBatch[T any]() *openBatch[T] {
	b := new(openBatch[T])
	b.node.thing = b
	return b
}

// batch takes the content out of a closed batch.
func (b *openBatch[T]) batch() Batch[T] { return b.take(b.key, b.why, b.closed) }
