package accumulator

import "time"

// Batch is a closed batch. It always has at least one item.
//
// The receiver owns Items and may keep or change them, unless it calls
// Release.
type Batch[T any] struct {
	Items  []T
	Key    string // what the items share; empty without keys
	Weight int    // sum of the weights; zero without a weight function
	Reason Reason // what closed the batch
	Opened time.Time
	Closed time.Time

	slab *slab[T]
	use  uint32
}

// Age is how long the batch was open, which is also how long its first item
// waited in it.
func (b Batch[T]) Age() time.Duration { return b.Closed.Sub(b.Opened) }

// Release gives the memory of Items back, to be used for a later batch. It is
// never needed, but it saves an allocation per batch, which for large items is
// most of the cost of batching.
//
// After Release neither Items nor a slice of it may be used; the items
// themselves, if copied out, may. A second Release, even of a copy of the
// Batch, does nothing. Release may be called by any goroutine.
func (b *Batch[T]) Release() {
	b.Items = nil
	if b.slab != nil {
		b.slab.release(b.use)
	}
}
