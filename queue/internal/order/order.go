package order

import "github.com/balerhq/baler/queue/internal/rank"

// Order keeps queued items in the order in which they leave.
type Order[T any] interface {
	Len() int
	// Tick says that time may have passed. A queue calls it once before a group
	// of other calls, so that a group costs one reading of the clock.
	Tick()
	Push(v T) rank.Key
	// Head returns the first item. There must be one. The pointer is valid
	// until the next change.
	Head() *T
	// Pop removes the first item. There must be one.
	Pop() rank.Key
	// Restore undoes a Pop. Several are undone last first.
	Restore(k rank.Key, v T)
}

// Indexed is an order that finds its items again.
type Indexed[T any] interface {
	Order[T]
	At(k rank.Key) T
	// Rank counts the items before k.
	Rank(k rank.Key) int
	Remove(k rank.Key) T
	// Update replaces the item at k, which may change its key.
	Update(k rank.Key, v T) rank.Key
}
