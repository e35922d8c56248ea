package rank

// Heap gives out the first item and finds no other, which makes it faster than
// a [Tree]. It ignores the Start of keys. The zero Heap is empty and ready.
//
// Some first items are taken out of the heap ahead of time. Several pops in a
// row are faster than as many single ones: the processor looks for the second
// item while it waits for the memory of the first.
type Heap[T any] struct {
	front leaf[T] // no item of rest is before any of these
	rest  quadHeap[T]
}

// ahead is the number of items that are taken out at a time.
const ahead = 16

// Len returns the number of items.
func (h *Heap[T]) Len() int { return len(h.front.slots) + h.rest.len() }

// Insert adds v at k, which must be free.
func (h *Heap[T]) Insert(k Key, v T) {
	if n := len(h.front.slots); n > 0 && k.Less(h.front.slots[n-1].Key) {
		h.advance(k, v)
	} else {
		h.rest.insert(k, v)
	}
}

// First returns the least key. The heap must not be empty.
func (h *Heap[T]) First() Key { return h.first().Key }

// Head returns the item at the least key. The heap must not be empty. The
// pointer is valid until the next change.
func (h *Heap[T]) Head() *T { return &h.first().v }

// Pop removes the first item. The heap must not be empty.
func (h *Heap[T]) Pop() Key {
	h.first()
	return h.front.shift()
}

// Restore puts v back at k, which is before all other keys.
func (h *Heap[T]) Restore(k Key, v T) { h.advance(k, v) }

// advance adds v to the front. A full front gives its last item back for it.
func (h *Heap[T]) advance(k Key, v T) {
	if n := len(h.front.slots); n == fanout {
		last := h.front.drop()
		h.rest.insert(last.Key, last.v)
	}
	h.front.put(k, v)
}

func (h *Heap[T]) first() *slot[T] {
	if len(h.front.slots) == 0 {
		h.front.rewind()
		for range min(ahead, h.rest.len()) {
			v := *h.rest.head()
			h.front.append(h.rest.pop(), v)
		}
	}
	return &h.front.slots[0]
}
