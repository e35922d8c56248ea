package rank

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// listed is an item of the naive list that a tree is compared with.
type listed struct {
	p Key
	v int
}

func TestTreeAgreesWithSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tr Tree[int]
		var list []listed
		var seq uint64
		insert := func(key int64) {
			seq++
			e := listed{Key{Urgency: key, Seq: seq}, int(seq)}
			tr.Insert(e.p, e.v)
			i, _ := slices.BinarySearchFunc(list, e.p, compareListed)
			list = slices.Insert(list, i, e)
		}
		remove := func(i int) {
			if v := tr.Remove(list[i].p); v != list[i].v {
				t.Fatalf("removed %d instead of %d", v, list[i].v)
			}
			list = slices.Delete(list, i, i+1)
		}
		some := rapid.IntRange(1, 3*fanout)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				keys := rapid.Int64Range(0, rapid.SampledFrom([]int64{1, 50, 1 << 40}).Draw(t, "spread"))
				for range some.Draw(t, "n") {
					insert(keys.Draw(t, "key"))
				}
			},
			"append": func(t *rapid.T) {
				for range some.Draw(t, "n") {
					insert(1 << 40)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(some.Draw(t, "n"), len(list)) {
					v := *tr.Head()
					if p := tr.Pop(); p != list[0].p || v != list[0].v {
						t.Fatalf("popped %v instead of %v", p, list[0].p)
					}
					list = list[1:]
				}
			},
			"remove": func(t *rapid.T) {
				for range min(some.Draw(t, "n"), len(list)) {
					remove(rapid.IntRange(0, len(list)-1).Draw(t, "i"))
				}
			},
			"remove most": func(*rapid.T) {
				for i := range slices.Backward(list) {
					if i%7 != 0 {
						remove(i)
					}
				}
			},
			"": func(t *rapid.T) { checkTree(t, &tr, list) },
		})
	})
}

func compareListed(e listed, p Key) int {
	switch {
	case e.p.Less(p):
		return -1
	case p.Less(e.p):
		return 1
	default:
		return 0
	}
}

func checkTree(t *rapid.T, tr *Tree[int], list []listed) {
	if tr.n != len(list) {
		t.Fatalf("tree counts %d items, not %d", tr.n, len(list))
	}
	for i, e := range list {
		if r := tr.Rank(e.p); r != i {
			t.Fatalf("rank of %v is %d, not %d", e.p, r, i)
		}
		if v := *tr.At(e.p); v != e.v {
			t.Fatalf("at %v: %d, not %d", e.p, v, e.v)
		}
	}
	if tr.root != nil {
		checkNode(t, tr.root, tr.n)
	}
}

// checkNode checks the counts, the bounds and that no node is too full.
func checkNode(t *rapid.T, n *node[int], size int) int {
	if n.total() != size || n.len() > fanout {
		t.Fatalf("node of %d entries has size %d, counted as %d", n.len(), n.total(), size)
	}
	depth := 0
	for i, child := range n.children {
		d := checkNode(t, child.node, child.size)
		if i > 0 && d != depth {
			t.Fatalf("branches of depth %d and %d", depth, d)
		}
		depth = d
		if child.isLeaf() && child.rank(child.bound) > 0 || !child.isLeaf() && child.least().Less(child.bound) {
			t.Fatalf("items before the bound %v", child.bound)
		}
	}
	return depth + 1
}

func TestRemovalsLeaveNoSparseTree(t *testing.T) {
	var tr Tree[int]
	const n = 100_000
	for i := range uint64(n) {
		tr.Insert(Key{Seq: i}, int(i))
	}
	for i := range uint64(n) {
		if i%100 != 0 {
			tr.Remove(Key{Seq: i})
		}
	}
	if leaves := countLeaves(tr.root); leaves > n/100/8 {
		t.Errorf("%d leaves for %d items", leaves, tr.n)
	}
}

func countLeaves(n *node[int]) int {
	if n.isLeaf() {
		return 1
	}
	sum := 0
	for _, child := range n.children {
		sum += countLeaves(child.node)
	}
	return sum
}
