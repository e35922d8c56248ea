package order

import "github.com/balerhq/baler/queue/internal/rank"

// flow is a sequence of items that keep their order among each other: those of
// a tenant in a level, for Fair, or those of a priority, for Aged.
type flow[T any] struct {
	share[T]
	urgency int64               // of the keys of its items
	items   rank.FIFO[entry[T]] // if they are in [flows]
	first   rank.Key            // of the first of items
	at      int                 // in the heap of flows
}

// entry is an item of a flow and its key without the urgency of the flow.
type entry[T any] struct {
	start int64
	seq   uint64
	v     T
}
