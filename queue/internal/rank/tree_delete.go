package rank

import "slices"

// maxFree bounds a free list of leaves or chunks: enough for a queue in a
// steady state to allocate nothing.
const maxFree = 16

// Pop removes the first item. The tree must not be empty.
func (t *Tree[T]) Pop() Key {
	k := t.popBelow(t.root)
	t.shrink()
	return k
}

func (t *Tree[T]) popBelow(n *node[T]) Key {
	if n.isLeaf() {
		return n.shift()
	}
	c := &n.children[0]
	k := t.popBelow(c.node)
	c.size--
	if c.size == 0 {
		t.drop(n, 0)
	}
	return k
}

// Remove takes out the item at k, which must be there.
func (t *Tree[T]) Remove(k Key) T {
	v := t.removeBelow(t.root, k)
	t.shrink()
	return v
}

func (t *Tree[T]) removeBelow(n *node[T], k Key) T {
	if n.isLeaf() {
		return n.remove(k)
	}
	i := n.branch(k)
	c := &n.children[i]
	v := t.removeBelow(c.node, k)
	c.size--
	if c.size == 0 {
		t.drop(n, i)
	} else if !t.merge(n, i) {
		t.merge(n, i-1)
	}
	return v
}

// merge joins the i-th child of n with the next if both together fill at most
// half a node, so that removals cannot leave a sparse tree.
func (t *Tree[T]) merge(n *node[T], i int) bool {
	if i < 0 || i+1 >= n.len() || n.children[i].len()+n.children[i+1].len() > fanout/2 {
		return false
	}
	n.children[i].move(n.children[i+1].node, 0)
	n.children[i].size += n.children[i+1].size
	t.drop(n, i+1)
	return true
}

// drop removes the emptied i-th child of n.
func (t *Tree[T]) drop(n *node[T], i int) {
	if c := n.children[i].node; c.isLeaf() && len(t.free) < maxFree {
		c.rewind()
		t.free = append(t.free, c)
	}
	n.children = slices.Delete(n.children, i, i+1)
}

// shrink follows a removal. The only child of the root becomes the root.
func (t *Tree[T]) shrink() {
	t.n--
	for !t.root.isLeaf() && len(t.root.children) == 1 {
		t.root = t.root.children[0].node
	}
}
