package rank

import "slices"

// fanout is the most entries of a node: a million items are three nodes deep.
const fanout = 64

// node is a branch of a [Tree] or, without children, a leaf.
type node[T any] struct {
	leaf[T]
	children []child[T]
}

// child is a node as its branch knows it.
type child[T any] struct {
	bound Key // no item in this child or a later one is before
	size  int // items in and below it
	*node[T]
}

func newBranch[T any](children ...*node[T]) *node[T] {
	n := &node[T]{children: make([]child[T], 0, fanout)}
	for _, c := range children {
		n.insert(len(n.children), c)
	}
	return n
}

func (n *node[T]) isLeaf() bool { return n.children == nil }

// len counts the entries of n.
func (n *node[T]) len() int { return len(n.slots) + len(n.children) }

// total counts the items in and below n.
func (n *node[T]) total() int {
	sum := len(n.slots)
	for i := range n.children {
		sum += n.children[i].size
	}
	return sum
}

// least returns a key that no item in or below n is before. n must not be
// empty.
func (n *node[T]) least() Key {
	if n.isLeaf() {
		return n.slots[0].Key
	}
	return n.children[0].bound
}

// branch returns the index of the child for k: the last one whose bound is not
// after k.
func (n *node[T]) branch(k Key) int {
	lo, hi := 1, len(n.children)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if k.Less(n.children[mid].bound) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo - 1
}

// insert makes c the i-th child of a branch that is not full.
func (n *node[T]) insert(i int, c *node[T]) {
	n.children = slices.Insert(n.children, i, child[T]{c.least(), c.total(), c})
}

// move appends the entries of from, starting at index at, to n.
func (n *node[T]) move(from *node[T], at int) {
	if n.isLeaf() {
		n.leaf.move(&from.leaf, at)
		return
	}
	n.children = append(n.children, from.children[at:]...)
	clear(from.children[at:])
	from.children = from.children[:at]
}
