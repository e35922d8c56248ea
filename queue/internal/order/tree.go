package order

import "github.com/balerhq/baler/queue/internal/rank"

// NewTree returns the order of a rule, indexed. All operations take O(log n).
func NewTree[T any](rule Rule[T]) Indexed[T] { return &tree[T]{rule: rule} }

type tree[T any] struct {
	items rank.Tree[T]
	rule  Rule[T]
	seq   uint64
}

func (t *tree[T]) Len() int                { return t.items.Len() }
func (t *tree[T]) Tick()                   { t.rule.Tick() }
func (t *tree[T]) Head() *T                { return t.items.Head() }
func (t *tree[T]) Pop() rank.Key           { return t.items.Pop() }
func (t *tree[T]) Restore(k rank.Key, v T) { t.items.Insert(k, v) }
func (t *tree[T]) At(k rank.Key) T         { return *t.items.At(k) }
func (t *tree[T]) Rank(k rank.Key) int     { return t.items.Rank(k) }
func (t *tree[T]) Remove(k rank.Key) T     { return t.items.Remove(k) }

func (t *tree[T]) Push(v T) rank.Key {
	t.seq++
	k := rank.Key{Urgency: t.rule.Urgency(v), Seq: t.seq}
	t.items.Insert(k, v)
	return k
}

func (t *tree[T]) Update(k rank.Key, v T) rank.Key {
	old := t.items.At(k)
	urgency := t.rule.Renew(k.Urgency, *old, v)
	if urgency == k.Urgency {
		*old = v
		return k
	}
	t.items.Remove(k)
	k.Urgency = urgency
	t.items.Insert(k, v)
	return k
}
