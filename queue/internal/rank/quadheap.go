package rank

// quadHeap gives out the first item and finds no other. Push and pop take
// O(log n), a push of an item that leaves late O(1). The zero quadHeap is empty
// and ready.
//
// Each entry has four children, so the heap is half as deep as a binary one.
// The urgencies are apart from the fields that are read less often: as the
// first entry is at index 3, the urgencies of four siblings share a cache line.
type quadHeap[T any] struct {
	urgency []int64 // each one not after its children
	refs    []ref   // by the same index
	items   []T     // refs point here; entries move, items do not
	free    []uint32
}

// ref is the rest of an entry.
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

func (h *quadHeap[T]) len() int   { return max(0, len(h.urgency)-top) }
func (h *quadHeap[T]) first() Key { return Key{Urgency: h.urgency[top], Seq: h.refs[top].seq} }

// insert adds v at k. The Start of k is ignored.
func (h *quadHeap[T]) insert(k Key, v T) {
	if len(h.urgency) == 0 {
		h.urgency, h.refs = make([]int64, top, arity*arity), make([]ref, top, arity*arity)
	}
	h.urgency, h.refs = append(h.urgency, 0), append(h.refs, ref{})
	h.up(len(h.urgency)-1, k.Urgency, ref{k.Seq, h.store(v)})
}

// head returns the first item. The heap must not be empty. The pointer is valid
// until the next change of the heap.
func (h *quadHeap[T]) head() *T { return &h.items[h.refs[top].item] }

// pop removes the first item. The heap must not be empty.
func (h *quadHeap[T]) pop() Key {
	k, last := h.first(), len(h.urgency)-1
	h.release(h.refs[top].item)
	urgency, r := h.urgency[last], h.refs[last]
	h.urgency, h.refs = h.urgency[:last], h.refs[:last]
	if last > top {
		h.down(urgency, r)
	} else if cap(h.urgency) > 1024 {
		*h = quadHeap[T]{} // free the memory of a large heap
	}
	return k
}

// up puts an entry at the free index i or above.
func (h *quadHeap[T]) up(i int, urgency int64, r ref) {
	for i > top {
		up := parent(i)
		if urgency > h.urgency[up] || urgency == h.urgency[up] && r.seq > h.refs[up].seq {
			break
		}
		h.urgency[i], h.refs[i] = h.urgency[up], h.refs[up]
		i = up
	}
	h.urgency[i], h.refs[i] = urgency, r
}

// down puts an entry at the free top or below. The entry comes from the bottom
// and mostly belongs there again, so the gap goes all the way down first and
// the entry rises from there.
func (h *quadHeap[T]) down(urgency int64, r ref) {
	i := top
	for c := children(i); c < len(h.urgency); c = children(i) {
		least := c + h.least(h.urgency[c:min(c+arity, len(h.urgency))], h.refs[c:])
		h.urgency[i], h.refs[i] = h.urgency[least], h.refs[least]
		i = least
	}
	h.up(i, urgency, r)
}

// least returns the index of the first among siblings.
func (h *quadHeap[T]) least(urgency []int64, refs []ref) int {
	least, first := 0, urgency[0]
	for i := 1; i < len(urgency); i++ {
		if u := urgency[i]; u < first || u == first && refs[i].seq < refs[least].seq {
			least, first = i, u
		}
	}
	return least
}

func (h *quadHeap[T]) store(v T) uint32 {
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

func (h *quadHeap[T]) release(i uint32) {
	clear(h.items[i : i+1])
	h.free = append(h.free, i)
}
