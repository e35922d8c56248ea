package queue

import "slices"

// spares bounds how many emptied leaves or chunks are kept: enough for a queue
// in a steady state to allocate nothing.
const spares = 16

// pop removes the first item. The tree must not be empty.
func (t *tree[T]) pop() place {
	p := t.popBelow(t.root)
	t.shrink()
	return p
}

func (t *tree[T]) popBelow(n *node[T]) place {
	if n.isLeaf() {
		return n.shift()
	}
	k := &n.kids[0]
	p := t.popBelow(k.node)
	k.size--
	if k.size == 0 {
		t.drop(n, 0)
	}
	return p
}

// remove takes out the item at p, which must be there.
func (t *tree[T]) remove(p place) T {
	v := t.removeBelow(t.root, p)
	t.shrink()
	return v
}

func (t *tree[T]) removeBelow(n *node[T], p place) T {
	if n.isLeaf() {
		return n.remove(p)
	}
	i := n.branch(p)
	k := &n.kids[i]
	v := t.removeBelow(k.node, p)
	k.size--
	if k.size == 0 {
		t.drop(n, i)
	} else if !t.merge(n, i) {
		t.merge(n, i-1)
	}
	return v
}

// merge joins the i-th kid of n with the next if both together fill at most
// half a node, so that removals cannot leave a sparse tree.
func (t *tree[T]) merge(n *node[T], i int) bool {
	if i < 0 || i+1 >= n.len() || n.kids[i].len()+n.kids[i+1].len() > fan/2 {
		return false
	}
	n.kids[i].move(n.kids[i+1].node, 0)
	n.kids[i].size += n.kids[i+1].size
	t.drop(n, i+1)
	return true
}

// drop removes the emptied i-th kid of n.
func (t *tree[T]) drop(n *node[T], i int) {
	if k := n.kids[i].node; k.isLeaf() && len(t.spare) < spares {
		k.rewind()
		t.spare = append(t.spare, k)
	}
	n.kids = slices.Delete(n.kids, i, i+1)
}

// shrink follows a removal: a branch with a lone kid gives way to it.
func (t *tree[T]) shrink() {
	t.n--
	for !t.root.isLeaf() && len(t.root.kids) == 1 {
		t.root = t.root.kids[0].node
	}
}
