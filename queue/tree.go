package queue

// tree is a B+ tree that counts the items below each branch, so that it knows
// the rank of any place. All operations take O(log n); a pop touches only what
// is in the cache. The zero tree is empty and ready.
type tree[T any] struct {
	root  *node[T]
	n     int
	spare []*node[T] // emptied leaves to use again
}

// rank counts the items before p.
func (t *tree[T]) rank(p place) int {
	n, before := t.root, 0
	if n == nil {
		return 0
	}
	for !n.isLeaf() {
		i := n.branch(p)
		for k := range i {
			before += n.kids[k].size
		}
		n = n.kids[i].node
	}
	return before + n.rank(p)
}

// at is the item at p, which must be there. The pointer holds until the next
// change of the tree.
func (t *tree[T]) at(p place) *T {
	n := t.root
	for !n.isLeaf() {
		n = n.kids[n.branch(p)].node
	}
	return &n.slots[n.rank(p)].v
}

// has tells whether there is an item at p.
func (t *tree[T]) has(p place) bool {
	n := t.root
	if n == nil {
		return false
	}
	for !n.isLeaf() {
		n = n.kids[n.branch(p)].node
	}
	i := n.rank(p)
	return i < len(n.slots) && n.slots[i].place == p
}

// first is the lowest place. The tree must not be empty.
func (t *tree[T]) first() place { return t.lowest().place }

// head is the item at the lowest place. The tree must not be empty. The pointer
// holds until the next change of the tree.
func (t *tree[T]) head() *T { return &t.lowest().v }

func (t *tree[T]) lowest() *slot[T] {
	n := t.root
	for !n.isLeaf() {
		n = n.kids[0].node
	}
	return &n.slots[0]
}

// insert puts v at p, which must be free.
func (t *tree[T]) insert(p place, v T) {
	if t.root == nil {
		t.root = t.leaf()
	}
	if right := t.insertBelow(t.root, p, v); right != nil {
		t.root = newBranch(t.root, right)
	}
	t.n++
}

// insertBelow returns the right half of n if n had to be split.
func (t *tree[T]) insertBelow(n *node[T], p place, v T) *node[T] {
	if n.isLeaf() {
		return t.insertLeaf(n, p, v)
	}
	i := n.branch(p)
	k := &n.kids[i]
	if p.less(k.bound) {
		k.bound = p
	}
	k.size++
	right := t.insertBelow(k.node, p, v)
	if right == nil {
		return nil
	}
	k.size -= right.total()
	return insertKid(n, i+1, right)
}

func (t *tree[T]) insertLeaf(n *node[T], p place, v T) *node[T] {
	if n.len() < fan {
		n.put(p, v)
		return nil
	}
	right := t.leaf()
	at := cut(n.rank(p))
	right.move(n, at)
	if at == fan || right.slots[0].less(p) {
		right.put(p, v)
	} else {
		n.put(p, v)
	}
	return right
}

func insertKid[T any](n *node[T], i int, kid *node[T]) *node[T] {
	if n.len() < fan {
		n.adopt(i, kid)
		return nil
	}
	right := newBranch[T]()
	at := cut(i)
	right.move(n, at)
	if at == fan || i > at {
		right.adopt(i-at, kid)
	} else {
		n.adopt(i, kid)
	}
	return right
}

// cut is where to split a full node that gets an entry at i: in the middle, or
// at the end if that is where it grows, so that arrivals in order leave full
// nodes behind.
func cut(i int) int {
	if i == fan {
		return fan
	}
	return fan / 2
}

func (t *tree[T]) leaf() *node[T] {
	last := len(t.spare) - 1
	if last < 0 {
		return newLeaf[T]()
	}
	n := t.spare[last]
	t.spare = t.spare[:last]
	return n
}
