package accumulator

import "time"

// openBatch is an open batch with its place among the others. Its memory is
// used again as soon as the batch is closed, so no other goroutine ever gets
// it.
type openBatch[T any] struct {
	Buffer[T]
	key string

	older, newer *openBatch[T] // in the list of openSet
	deadline     time.Time
	slot         int // in the heap of openSet, or none

	_ [56]byte // 256 bytes end here, a size that is allocated on cache line boundaries
}
