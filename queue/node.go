package queue

import "slices"

// fan is the most entries of a node: a million items are three nodes deep.
const fan = 64

// node is a branch of a [tree] or, without kids, a leaf.
type node[T any] struct {
	leaf[T]
	kids []kid[T]
}

// kid is what a branch knows of a node below it.
type kid[T any] struct {
	bound place // neither it nor a later one has an item before
	size  int   // items in and below it
	*node[T]
}

func newBranch[T any](kids ...*node[T]) *node[T] {
	n := &node[T]{kids: make([]kid[T], 0, fan)}
	for _, k := range kids {
		n.adopt(len(n.kids), k)
	}
	return n
}

func (n *node[T]) isLeaf() bool { return n.kids == nil }

// len counts the entries of n.
func (n *node[T]) len() int { return len(n.slots) + len(n.kids) }

// total counts the items in and below n.
func (n *node[T]) total() int {
	sum := len(n.slots)
	for i := range n.kids {
		sum += n.kids[i].size
	}
	return sum
}

// least is a place that no item in or below n is before. There
// must be one.
func (n *node[T]) least() place {
	if n.isLeaf() {
		return n.slots[0].place
	}
	return n.kids[0].bound
}

// branch is the index of the kid that holds p or would: the last one whose
// bound is not after p.
func (n *node[T]) branch(p place) int {
	lo, hi := 1, len(n.kids)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if p.less(n.kids[mid].bound) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo - 1
}

// adopt makes k the i-th kid of a branch that is not full.
func (n *node[T]) adopt(i int, k *node[T]) {
	n.kids = slices.Insert(n.kids, i, kid[T]{k.least(), k.total(), k})
}

// move appends the entries of from, starting at index at, to n.
func (n *node[T]) move(from *node[T], at int) {
	if n.isLeaf() {
		n.leaf.move(&from.leaf, at)
		return
	}
	n.kids = append(n.kids, from.kids[at:]...)
	clear(from.kids[at:])
	from.kids = from.kids[:at]
}
