package rank

// Tree is a B+ tree that counts the items below each branch, so it knows the
// rank of any key. All operations take O(log n). A pop touches only memory that
// is in the cache. The zero Tree is empty and ready.
type Tree[T any] struct {
	root *node[T]
	n    int
	free []*node[T] // emptied leaves to use again
}

// Len returns the number of items.
func (t *Tree[T]) Len() int { return t.n }

// Rank counts the items before k.
func (t *Tree[T]) Rank(k Key) int {
	n, before := t.root, 0
	if n == nil {
		return 0
	}
	for !n.isLeaf() {
		i := n.branch(k)
		for c := range i {
			before += n.children[c].size
		}
		n = n.children[i].node
	}
	return before + n.rank(k)
}

// At returns the item at k, which must be there. The pointer is valid until the
// next change of the tree.
func (t *Tree[T]) At(k Key) *T {
	n := t.root
	for !n.isLeaf() {
		n = n.children[n.branch(k)].node
	}
	return &n.slots[n.rank(k)].v
}

// Has reports whether there is an item at k.
func (t *Tree[T]) Has(k Key) bool {
	n := t.root
	if n == nil {
		return false
	}
	for !n.isLeaf() {
		n = n.children[n.branch(k)].node
	}
	i := n.rank(k)
	return i < len(n.slots) && n.slots[i].Key == k
}

// First returns the least key. The tree must not be empty.
func (t *Tree[T]) First() Key { return t.first().Key }

// Head returns the item at the least key. The tree must not be empty. The
// pointer is valid until the next change of the tree.
func (t *Tree[T]) Head() *T { return &t.first().v }

func (t *Tree[T]) first() *slot[T] {
	n := t.root
	for !n.isLeaf() {
		n = n.children[0].node
	}
	return &n.slots[0]
}

// Insert puts v at k, which must be free.
func (t *Tree[T]) Insert(k Key, v T) {
	if t.root == nil {
		t.root = t.leaf()
	}
	if right := t.insertBelow(t.root, k, v); right != nil {
		t.root = newBranch(t.root, right)
	}
	t.n++
}

// insertBelow returns the right half of n if n had to be split.
func (t *Tree[T]) insertBelow(n *node[T], k Key, v T) *node[T] {
	if n.isLeaf() {
		return t.insertLeaf(n, k, v)
	}
	i := n.branch(k)
	c := &n.children[i]
	if k.Less(c.bound) {
		c.bound = k
	}
	c.size++
	right := t.insertBelow(c.node, k, v)
	if right == nil {
		return nil
	}
	c.size -= right.total()
	return insertChild(n, i+1, right)
}

func (t *Tree[T]) insertLeaf(n *node[T], k Key, v T) *node[T] {
	if n.len() < fanout {
		n.put(k, v)
		return nil
	}
	right := t.leaf()
	at := cut(n.rank(k))
	right.move(n, at)
	if at == fanout || right.slots[0].Less(k) {
		right.put(k, v)
	} else {
		n.put(k, v)
	}
	return right
}

func insertChild[T any](n *node[T], i int, child *node[T]) *node[T] {
	if n.len() < fanout {
		n.insert(i, child)
		return nil
	}
	right := newBranch[T]()
	at := cut(i)
	right.move(n, at)
	if at == fanout || i > at {
		right.insert(i-at, child)
	} else {
		n.insert(i, child)
	}
	return right
}

// cut returns where to split a full node that gets an entry at i: in the
// middle, or at the end if it grows there, so that arrivals in order leave full
// nodes.
func cut(i int) int {
	if i == fanout {
		return fanout
	}
	return fanout / 2
}

func (t *Tree[T]) leaf() *node[T] {
	last := len(t.free) - 1
	if last < 0 {
		return newLeaf[T]()
	}
	n := t.free[last]
	t.free = t.free[:last]
	return n
}
