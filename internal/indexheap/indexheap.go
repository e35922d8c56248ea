// Package indexheap is a binary heap whose items know their place in it, so
// that any of them can be removed in O(log n).
//
//	type call struct {
//		indexheap.Place
//		due time.Time
//	}
//
//	func (c *call) Before(d *call) bool { return c.due.Before(d.due) }
//
//	var waiting indexheap.Heap[*call]
//	waiting.Push(&call{due: time.Now()})
//	next := waiting.First()
//	waiting.Remove(next)
package indexheap

// Place is embedded in an item of a [Heap]. An item can be in one heap at a
// time. The zero Place is in none.
type Place struct{ n int } // index + 1

// InHeap reports whether the item is in a heap.
func (p *Place) InHeap() bool { return p.n > 0 }

func (p *Place) place() *Place { return p }

var _ interface{ place() *Place } = (*Place)(nil) // linters do not see its use through Item

// Item is a pointer to a struct that embeds [Place].
type Item[T any] interface {
	// Before reports whether the item leaves before other. The answer must not
	// change while both are in a heap.
	Before(other T) bool
	place() *Place
}

// Heap gives out the item that is before all others. Push, Pop and Remove take
// O(log n), the others O(1). The zero Heap is empty and ready. It is not safe
// for concurrent use.
type Heap[T Item[T]] struct{ items []T }

// Len returns the number of items.
func (h *Heap[T]) Len() int { return len(h.items) }

// First returns the first item. The heap must not be empty.
func (h *Heap[T]) First() T { return h.items[0] }

// Push adds an item that is in no heap. It reports whether the item is now the
// first.
func (h *Heap[T]) Push(item T) (first bool) {
	h.items = append(h.items, item)
	h.up(item, len(h.items)-1)
	return item.place().n == 1
}

// Pop removes the first item and returns it. The heap must not be empty.
func (h *Heap[T]) Pop() T {
	first := h.items[0]
	h.Remove(first)
	return first
}

// Remove takes out an item, which must be in this heap.
func (h *Heap[T]) Remove(item T) {
	i, last := item.place().n-1, len(h.items)-1
	moved := h.items[last]
	var none T
	h.items[last] = none
	h.items = h.items[:last]
	item.place().n = 0
	if i < last {
		h.up(moved, i)
		h.down(moved, moved.place().n-1)
	}
}

// up puts an item at the free index i or above.
func (h *Heap[T]) up(item T, i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !item.Before(h.items[parent]) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, item)
}

// down puts an item at the free index i or below.
func (h *Heap[T]) down(item T, i int) {
	for child := 2*i + 1; child < len(h.items); child = 2*i + 1 {
		if right := child + 1; right < len(h.items) && h.items[right].Before(h.items[child]) {
			child = right
		}
		if !h.items[child].Before(item) {
			break
		}
		h.set(i, h.items[child])
		i = child
	}
	h.set(i, item)
}

func (h *Heap[T]) set(i int, item T) {
	h.items[i] = item
	item.place().n = i + 1
}
