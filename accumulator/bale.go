package accumulator

import "time"

// bale is an open batch with its place among the open batches. Bales
// circulate: from the free ones to the open ones, closed to a consumer, and
// back.
type bale[T any] struct {
	Buffer[T]
	key    string
	why    Reason
	closed time.Time
	epoch  *epoch // what a Flush waits for

	older, newer *bale[T] // in the list of openSet
	deadline     time.Time
	slot         int // in the heap of openSet, or none

	link link[bale[T]] // 256 bytes end here, a size that is allocated on cache line boundaries
}

func newBale[T any]() *bale[T] {
	b := new(bale[T])
	b.link.thing = b
	return b
}

// batch takes the content out of a closed bale.
func (b *bale[T]) batch() Batch[T] { return b.take(b.key, b.why, b.closed) }
