package order

import "github.com/balerhq/baler/queue/internal/rank"

// NewHeap returns the order of a rule. All operations take O(log n).
func NewHeap[T any](rule Rule[T]) Order[T] { return &heap[T]{rule: rule} }

type heap[T any] struct {
	items rank.Heap[T]
	rule  Rule[T]
	seq   uint64
}

func (h *heap[T]) Len() int                { return h.items.Len() }
func (h *heap[T]) Tick()                   { h.rule.Tick() }
func (h *heap[T]) Head() *T                { return h.items.Head() }
func (h *heap[T]) Pop() rank.Key           { return h.items.Pop() }
func (h *heap[T]) Restore(k rank.Key, v T) { h.items.Restore(k, v) }

func (h *heap[T]) Push(v T) rank.Key {
	h.seq++
	k := rank.Key{Urgency: h.rule.Urgency(v), Seq: h.seq}
	h.items.Insert(k, v)
	return k
}
