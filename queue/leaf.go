package queue

import "slices"

// leaf holds up to [fan] items in order. The zero leaf is empty and ready.
type leaf[T any] struct {
	slots []slot[T]
	all   []slot[T] // the whole array; slots lose their start to pops
}

type slot[T any] struct {
	place
	v T
}

func newLeaf[T any]() *node[T] {
	n := new(node[T])
	n.rewind()
	return n
}

// rank counts the items before p.
func (l *leaf[T]) rank(p place) int {
	lo, hi := 0, len(l.slots)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if l.slots[mid].less(p) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// put adds an item to a leaf that is not full.
func (l *leaf[T]) put(p place, v T) {
	if len(l.slots) == cap(l.slots) {
		l.rewind()
	}
	l.slots = slices.Insert(l.slots, l.rank(p), slot[T]{p, v})
}

// append adds an item behind all others to a leaf that has room at its end.
func (l *leaf[T]) append(p place, v T) { l.slots = append(l.slots, slot[T]{p, v}) }

// drop takes the last item.
func (l *leaf[T]) drop() slot[T] {
	last := len(l.slots) - 1
	s := l.slots[last]
	clear(l.slots[last:])
	l.slots = l.slots[:last]
	return s
}

// shift takes the first item, in O(1).
func (l *leaf[T]) shift() place {
	p := l.slots[0].place
	clear(l.slots[:1])
	l.slots = l.slots[1:]
	return p
}

// remove takes the item at p, which must be there.
func (l *leaf[T]) remove(p place) T {
	i := l.rank(p)
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
		l.all = make([]slot[T], fan)
	}
	n := copy(l.all, l.slots)
	clear(l.all[n:])
	l.slots = l.all[:n]
}
