package rank

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestHeapAgreesWithSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h quadHeap[int]
		var list []listed
		var seq uint64
		keys := rapid.Int64Range(0, rapid.SampledFrom([]int64{1, 50, 1 << 40}).Draw(t, "spread"))
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "n") {
					seq++
					e := listed{Key{Urgency: keys.Draw(t, "key"), Seq: seq}, int(seq)}
					h.insert(e.p, e.v)
					i, _ := slices.BinarySearchFunc(list, e.p, compareListed)
					list = slices.Insert(list, i, e)
				}
			},
			"pop": func(t *rapid.T) {
				for range min(rapid.IntRange(1, 300).Draw(t, "n"), len(list)) {
					v := *h.head()
					if p := h.pop(); p != list[0].p || v != list[0].v {
						t.Fatalf("popped %v instead of %v", p, list[0].p)
					}
					list = list[1:]
				}
			},
			"": func(t *rapid.T) {
				if h.len() != len(list) || len(list) > 0 && h.first() != list[0].p {
					t.Fatalf("%d items wait, not %d", h.len(), len(list))
				}
			},
		})
	})
}

func TestLargeHeapGivesItsMemoryBack(t *testing.T) {
	var h quadHeap[int]
	for i := range 10_000 {
		h.insert(Key{Seq: uint64(i)}, i)
	}
	for range 10_000 {
		h.pop()
	}
	if n := cap(h.urgency) + cap(h.refs) + cap(h.items) + cap(h.free); n > 0 {
		t.Errorf("an empty heap keeps room for %d", n)
	}
}
