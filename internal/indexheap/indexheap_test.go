package indexheap_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/balerhq/baler/internal/indexheap"
)

type job struct {
	indexheap.Place
	due, seq int
}

func (j *job) Before(k *job) bool { return compare(j, k) < 0 }

func compare(j, k *job) int { return cmp.Or(cmp.Compare(j.due, k.due), cmp.Compare(j.seq, k.seq)) }

func TestHeapAgreesWithSortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h indexheap.Heap[*job]
		var list []*job
		seq := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 30).Draw(t, "n") {
					seq++
					j := &job{due: rapid.IntRange(0, 20).Draw(t, "due"), seq: seq}
					i, _ := slices.BinarySearchFunc(list, j, compare)
					list = slices.Insert(list, i, j)
					if first := h.Push(j); first != (i == 0) || !j.InHeap() {
						t.Fatalf("pushed to rank %d: first %v, in heap %v", i, first, j.InHeap())
					}
				}
			},
			"pop": func(t *rapid.T) {
				for range min(rapid.IntRange(1, 40).Draw(t, "n"), len(list)) {
					if j := h.Pop(); j != list[0] || j.InHeap() {
						t.Fatalf("popped %+v instead of %+v", j, list[0])
					}
					list = list[1:]
				}
			},
			"remove": func(t *rapid.T) {
				for range min(rapid.IntRange(1, 20).Draw(t, "n"), len(list)) {
					i := rapid.IntRange(0, len(list)-1).Draw(t, "i")
					h.Remove(list[i])
					if list[i].InHeap() {
						t.Fatalf("%+v is still in the heap", list[i])
					}
					list = slices.Delete(list, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				if h.Len() != len(list) || len(list) > 0 && h.First() != list[0] {
					t.Fatalf("%d items wait, not %d", h.Len(), len(list))
				}
			},
		})
	})
}
