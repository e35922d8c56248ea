package join

import (
	"container/list"
	"slices"
	"time"
)

// table holds the incomplete groups of a join, in the order in which they were
// opened. It has no clock and no limits. Every operation takes constant time,
// but for keys with several open groups.
type table[K comparable, T any] struct {
	parts int
	seen  int        // items so far
	order *list.List // of *openGroup, oldest first
	byKey map[K][]*openGroup[K, T]
}

// openGroup is a group that lacks parts.
type openGroup[K comparable, T any] struct {
	group  Group[K, T]
	opened time.Time
	place  int // seen when it was opened
	at     *list.Element
}

func newTable[K comparable, T any](parts int) *table[K, T] {
	return &table[K, T]{parts: parts, order: list.New(), byKey: map[K][]*openGroup[K, T]{}}
}

func (t *table[K, T]) open() int { return t.order.Len() }

func (t *table[K, T]) oldest() *openGroup[K, T] {
	if front := t.order.Front(); front != nil {
		return front.Value.(*openGroup[K, T])
	}
	return nil
}

// add puts item into the oldest group of its key that lacks its part, and
// returns the group if that completes it.
func (t *table[K, T]) add(key K, part int, item T, now time.Time) *Group[K, T] {
	g := t.lacking(key, part)
	if g == nil {
		g = t.start(key, now)
	}
	g.group.Items[part] = item
	g.group.Missing = slices.DeleteFunc(g.group.Missing, func(p int) bool { return p == part })
	if len(g.group.Missing) > 0 {
		return nil
	}
	t.remove(g)
	g.group.Missing = nil
	return &g.group
}

func (t *table[K, T]) lacking(key K, part int) *openGroup[K, T] {
	for _, g := range t.byKey[key] {
		if slices.Contains(g.group.Missing, part) {
			return g
		}
	}
	return nil
}

func (t *table[K, T]) start(key K, now time.Time) *openGroup[K, T] {
	missing := make([]int, t.parts)
	for part := range missing {
		missing[part] = part
	}
	g := &openGroup[K, T]{group: Group[K, T]{Key: key, Items: make([]T, t.parts), Missing: missing}, opened: now, place: t.seen}
	g.at = t.order.PushBack(g)
	t.byKey[key] = append(t.byKey[key], g)
	return g
}

func (t *table[K, T]) remove(g *openGroup[K, T]) {
	t.order.Remove(g.at)
	same := slices.DeleteFunc(t.byKey[g.group.Key], func(other *openGroup[K, T]) bool { return other == g })
	if len(same) == 0 {
		delete(t.byKey, g.group.Key)
		return
	}
	t.byKey[g.group.Key] = same
}
