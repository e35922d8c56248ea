package queue

// heap hands out the first item and cannot find any other; where nothing has to
// be found it is faster than a [tree]. Push and pop take O(log n), a push of
// what leaves late O(1). The zero heap is empty and ready.
//
// Each entry has four children, so that the heap is half as deep as a binary
// one. As the first entry is at index 3, the four begin at a multiple of 128
// bytes: one look at memory for each level.
type heap[T any] struct {
	entries []entry // each one not after its children
	items   []T     // where entries refer to; they move, items do not
	free    []uint32
}

type entry struct {
	place
	item uint32
}

const (
	arity = 4
	top   = arity - 1
)

func parent(i int) int   { return i/arity + top - 1 }
func children(i int) int { return (i - top + 1) * arity }

func (h *heap[T]) len() int     { return max(0, len(h.entries)-top) }
func (h *heap[T]) first() place { return h.entries[top].place }

func (h *heap[T]) insert(p place, v T) {
	if len(h.entries) == 0 {
		h.entries = make([]entry, top, arity*arity)
	}
	h.entries = append(h.entries, entry{})
	h.rise(len(h.entries)-1, entry{p, h.store(v)})
}

// pop removes the first item. The heap must not be empty.
func (h *heap[T]) pop() (place, T) {
	first, last := h.entries[top], len(h.entries)-1
	v := h.fetch(first.item)
	e := h.entries[last]
	h.entries = h.entries[:last]
	if last > top {
		h.sink(e)
	} else if cap(h.entries) > 1024 {
		*h = heap[T]{} // give back what a large one took
	}
	return first.place, v
}

// rise puts e at the free index i or above.
func (h *heap[T]) rise(i int, e entry) {
	for i > top && e.less(h.entries[parent(i)].place) {
		h.entries[i] = h.entries[parent(i)]
		i = parent(i)
	}
	h.entries[i] = e
}

// sink puts e at the free top or below. As e comes from the bottom it mostly
// belongs there again, so the gap goes all the way down before e rises.
func (h *heap[T]) sink(e entry) {
	i := top
	for c := children(i); c < len(h.entries); c = children(i) {
		least := c
		for c++; c < min(children(i)+arity, len(h.entries)); c++ {
			if h.entries[c].less(h.entries[least].place) {
				least = c
			}
		}
		h.entries[i] = h.entries[least]
		i = least
	}
	h.rise(i, e)
}

func (h *heap[T]) store(v T) uint32 {
	last := len(h.free) - 1
	if last < 0 {
		h.items = append(h.items, v)
		return uint32(len(h.items) - 1)
	}
	i := h.free[last]
	h.free = h.free[:last]
	h.items[i] = v
	return i
}

func (h *heap[T]) fetch(i uint32) T {
	v := h.items[i]
	clear(h.items[i : i+1])
	h.free = append(h.free, i)
	return v
}
