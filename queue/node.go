package queue

import "slices"

// fan is the most entries of a node. At 64 a million items are three nodes
// deep, and an insertion moves at most 1.5 KB of places.
const fan = 64

// node is a leaf (items set) or a branch (kids set) of a [tree].
type node[T any] struct {
	places []place    // of each item; for a kid a lower bound of those below it
	items  []T        // leaf
	kids   []*node[T] // branch
	sizes  []int      // branch: items below each kid

	// A leaf loses items in front by moving the start of its slices; these
	// keep the whole arrays.
	allPlaces []place
	allItems  []T
}

func newLeaf[T any]() *node[T] {
	n := &node[T]{allPlaces: make([]place, fan), allItems: make([]T, fan)}
	n.rewind()
	return n
}

func newBranch[T any](kids ...*node[T]) *node[T] {
	n := &node[T]{
		places: make([]place, 0, fan),
		kids:   make([]*node[T], 0, fan),
		sizes:  make([]int, 0, fan),
	}
	for _, kid := range kids {
		n.adopt(len(n.kids), kid)
	}
	return n
}

func (n *node[T]) isLeaf() bool { return n.kids == nil }

// size counts the items in and below n.
func (n *node[T]) size() int {
	if n.isLeaf() {
		return len(n.items)
	}
	sum := 0
	for _, s := range n.sizes {
		sum += s
	}
	return sum
}

// find is the index of the first place that is not before p.
func (n *node[T]) find(p place) int {
	lo, hi := 0, len(n.places)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if n.places[mid].less(p) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// branch is the index of the kid that holds p or would.
func (n *node[T]) branch(p place) int {
	i := n.find(p)
	if i < len(n.places) && n.places[i] == p {
		return i
	}
	return max(i-1, 0)
}

// put makes v the i-th item of a leaf that is not full.
func (n *node[T]) put(i int, p place, v T) {
	if len(n.items) == cap(n.items) {
		n.rewind()
	}
	n.places = slices.Insert(n.places, i, p)
	n.items = slices.Insert(n.items, i, v)
}

// shift takes the first item of a leaf in O(1).
func (n *node[T]) shift() (place, T) {
	p, v := n.places[0], n.items[0]
	clear(n.items[:1])
	n.places, n.items = n.places[1:], n.items[1:]
	return p, v
}

// rewind moves a leaf's entries back to the start of its arrays.
func (n *node[T]) rewind() {
	k := copy(n.allItems, n.items)
	clear(n.allItems[k:])
	copy(n.allPlaces, n.places)
	n.places, n.items = n.allPlaces[:k], n.allItems[:k]
}

// adopt makes kid the i-th of a branch that is not full.
func (n *node[T]) adopt(i int, kid *node[T]) {
	n.places = slices.Insert(n.places, i, kid.places[0])
	n.kids = slices.Insert(n.kids, i, kid)
	n.sizes = slices.Insert(n.sizes, i, kid.size())
}

// move appends the entries of from, starting at index at, to n.
func (n *node[T]) move(from *node[T], at int) {
	if n.isLeaf() {
		n.rewind()
	}
	n.places = append(n.places, from.places[at:]...)
	if n.isLeaf() {
		n.items = append(n.items, from.items[at:]...)
	} else {
		n.kids = append(n.kids, from.kids[at:]...)
		n.sizes = append(n.sizes, from.sizes[at:]...)
	}
	from.truncate(at)
}

// truncate forgets the entries from index at on.
func (n *node[T]) truncate(at int) {
	n.places = n.places[:at]
	if n.isLeaf() {
		clear(n.items[at:])
		n.items = n.items[:at]
		return
	}
	clear(n.kids[at:])
	n.kids, n.sizes = n.kids[:at], n.sizes[:at]
}
