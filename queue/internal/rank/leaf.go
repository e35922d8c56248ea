package rank

import "slices"

// leaf holds up to [fanout] items in order. The zero leaf is empty and ready.
type leaf[T any] struct {
	slots []slot[T]
	all   []slot[T] // the whole array; a pop cuts the start off slots
}

type slot[T any] struct {
	Key
	v T
}

func newLeaf[T any]() *node[T] {
	n := new(node[T])
	n.rewind()
	return n
}

// rank counts the items before k.
func (l *leaf[T]) rank(k Key) int {
	lo, hi := 0, len(l.slots)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.slots[mid].Less(k) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// put adds an item to a leaf that is not full.
func (l *leaf[T]) put(k Key, v T) {
	if len(l.slots) == cap(l.slots) {
		l.rewind()
	}
	l.slots = slices.Insert(l.slots, l.rank(k), slot[T]{k, v})
}

// append adds an item after all others. The leaf must have room at its end.
func (l *leaf[T]) append(k Key, v T) { l.slots = append(l.slots, slot[T]{k, v}) }

// drop removes the last item and returns it.
func (l *leaf[T]) drop() slot[T] {
	last := len(l.slots) - 1
	s := l.slots[last]
	clear(l.slots[last:])
	l.slots = l.slots[:last]
	return s
}

// shift removes the first item in O(1).
func (l *leaf[T]) shift() Key {
	k := l.slots[0].Key
	clear(l.slots[:1])
	l.slots = l.slots[1:]
	return k
}

// remove takes out the item at k, which must be there.
func (l *leaf[T]) remove(k Key) T {
	i := l.rank(k)
	v := l.slots[i].v
	l.slots = slices.Delete(l.slots, i, i+1)
	return v
}

// move appends the slots of from, starting at index at, to l.
func (l *leaf[T]) move(from *leaf[T], at int) {
	l.rewind()
	l.slots = append(l.slots, from.slots[at:]...)
	clear(from.slots[at:])
	from.slots = from.slots[:at]
}

// rewind moves the slots back to the start of the array.
func (l *leaf[T]) rewind() {
	if l.all == nil {
		l.all = make([]slot[T], fanout)
	}
	n := copy(l.all, l.slots)
	clear(l.all[n:])
	l.slots = l.all[:n]
}
