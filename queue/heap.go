package queue

// heap hands out the first item and cannot find any other; where nothing has to
// be found it is faster than a [tree]. Push and pop take O(log n), a push of
// what leaves late O(1). The zero heap is empty and ready.
//
// Each entry has four children, so that the heap is half as deep as a binary
// one, and the keys are apart from what is looked at less: as the first entry
// is at index 3, the keys of four children are in one line of the cache.
type heap[T any] struct {
	keys  []int64 // each one not after its children
	refs  []ref   // by the index of the key
	items []T     // where refs refer to; they move, items do not
	free  []uint32
}

// ref is what an entry holds beside its key.
type ref struct {
	seq  uint64
	item uint32
}

const (
	arity = 4
	top   = arity - 1
)

func parent(i int) int   { return i/arity + top - 1 }
func children(i int) int { return (i - top + 1) * arity }

func (h *heap[T]) len() int     { return max(0, len(h.keys)-top) }
func (h *heap[T]) first() place { return place{key: h.keys[top], seq: h.refs[top].seq} }

// insert puts v at p, whose tag counts for nothing.
func (h *heap[T]) insert(p place, v T) {
	if len(h.keys) == 0 {
		h.keys, h.refs = make([]int64, top, arity*arity), make([]ref, top, arity*arity)
	}
	h.keys, h.refs = append(h.keys, 0), append(h.refs, ref{})
	h.rise(len(h.keys)-1, p.key, ref{p.seq, h.store(v)})
}

// head is the first item. The heap must not be empty. The pointer holds until
// the next change of the heap.
func (h *heap[T]) head() *T { return &h.items[h.refs[top].item] }

// pop removes the first item. The heap must not be empty.
func (h *heap[T]) pop() place {
	p, last := h.first(), len(h.keys)-1
	h.release(h.refs[top].item)
	key, r := h.keys[last], h.refs[last]
	h.keys, h.refs = h.keys[:last], h.refs[:last]
	if last > top {
		h.sink(key, r)
	} else if cap(h.keys) > 1024 {
		*h = heap[T]{} // give back what a large one took
	}
	return p
}

// rise puts an entry at the free index i or above.
func (h *heap[T]) rise(i int, key int64, r ref) {
	for i > top {
		up := parent(i)
		if key > h.keys[up] || key == h.keys[up] && r.seq > h.refs[up].seq {
			break
		}
		h.keys[i], h.refs[i] = h.keys[up], h.refs[up]
		i = up
	}
	h.keys[i], h.refs[i] = key, r
}

// sink puts an entry at the free top or below. As it comes from the bottom it
// mostly belongs there again, so the gap goes all the way down before it rises.
func (h *heap[T]) sink(key int64, r ref) {
	i := top
	for c := children(i); c < len(h.keys); c = children(i) {
		least := c + h.least(h.keys[c:min(c+arity, len(h.keys))], h.refs[c:])
		h.keys[i], h.refs[i] = h.keys[least], h.refs[least]
		i = least
	}
	h.rise(i, key, r)
}

// least is the index of the first of some siblings.
func (h *heap[T]) least(keys []int64, refs []ref) int {
	least, key := 0, keys[0]
	for i := 1; i < len(keys); i++ {
		if k := keys[i]; k < key || k == key && refs[i].seq < refs[least].seq {
			least, key = i, k
		}
	}
	return least
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

func (h *heap[T]) release(i uint32) {
	clear(h.items[i : i+1])
	h.free = append(h.free, i)
}
