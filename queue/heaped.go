package queue

// heaped is the order of a [rule], in a heap, of which the first items have been
// taken out already. Taking several at a time is faster, because the processor
// then looks for the second while it waits for the memory of the first.
type heaped[T any] struct {
	front leaf[T] // none in heap is before any of these
	heap  heap[T]
	rule  rule[T]
	seq   uint64
}

// ahead is how many items are taken out of the heap at a time.
const ahead = 16

func (h *heaped[T]) len() int { return len(h.front.slots) + h.heap.len() }
func (h *heaped[T]) tick()    { h.rule.tick() }

func (h *heaped[T]) push(v T) place {
	h.seq++
	p := place{key: h.rule.key(v), seq: h.seq}
	if n := len(h.front.slots); n > 0 && p.less(h.front.slots[n-1].place) {
		h.advance(p, v)
	} else {
		h.heap.insert(p, v)
	}
	return p
}

func (h *heaped[T]) head() *T { return &h.first().v }

func (h *heaped[T]) pop() place {
	h.first()
	return h.front.shift()
}

// restore puts v back at p, which is before all others.
func (h *heaped[T]) restore(p place, v T) { h.advance(p, v) }

// advance puts v among the items taken out, of which the last may have to go
// back for it.
func (h *heaped[T]) advance(p place, v T) {
	if n := len(h.front.slots); n == fan {
		last := h.front.drop()
		h.heap.insert(last.place, last.v)
	}
	h.front.put(p, v)
}

// first is the first item.
func (h *heaped[T]) first() *slot[T] {
	if len(h.front.slots) == 0 {
		h.front.rewind()
		for range min(ahead, h.heap.len()) {
			v := *h.heap.head()
			h.front.append(h.heap.pop(), v)
		}
	}
	return &h.front.slots[0]
}
