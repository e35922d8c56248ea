package order

import (
	"time"

	"github.com/balerhq/baler/queue/internal/rank"
)

// Levels derives the level of an item from its deadline.
type Levels[T any, P ~int] struct {
	Deadline func(T) time.Time
	// Level returns the level of a deadline at a time.
	Level func(deadline, now time.Time) P
	// Rises returns the time at which a deadline leaves a level for the next
	// one, and false if it never does.
	Rises func(level P, deadline time.Time) (time.Time, bool)
}

// NewDeadlineFair returns the order of Fair for deadlines. The level of an item
// rises as its deadline nears. A second tree knows the next item to rise, so
// that each item is moved when it rises and at no other time. The order then
// calls moved with the new key.
func NewDeadlineFair[T any, P ~int](levels Levels[T, P], tenants Tenants[T], moved func(T, rank.Key)) Indexed[T] {
	d := &deadlineFair[T, P]{levels: levels, moved: moved}
	d.shares = shares[T]{Tenants: tenants}
	d.level = func(v T) int64 { return LevelKey(levels.Level(levels.Deadline(v), d.now)) }
	return d
}

type deadlineFair[T any, P ~int] struct {
	fairTree[T]
	rises  rank.Tree[rank.Key] // by the time in nanoseconds: the present key
	levels Levels[T, P]
	moved  func(T, rank.Key)
	now    time.Time
}

// Tick lifts all items whose time has come.
func (d *deadlineFair[T, P]) Tick() {
	d.now = time.Now().Round(0) // deadlines are wall clock times
	for d.rises.Len() > 0 && d.rises.First().Urgency <= timeKey(d.now) {
		k := *d.rises.Head()
		d.rises.Pop()
		v := d.fairTree.Remove(k)
		to := d.join(d.level(v), k.Seq, v)
		d.watch(to, v)
		d.moved(v, to)
	}
}

// watch notes when the item at k will rise.
func (d *deadlineFair[T, P]) watch(k rank.Key, v T) {
	if at, ok := d.rise(k, v); ok {
		d.rises.Insert(at, k)
	}
}

func (d *deadlineFair[T, P]) unwatch(k rank.Key, v T) {
	if at, ok := d.rise(k, v); ok {
		d.rises.Remove(at)
	}
}

// rise returns the key in the tree of rises for the item at k. It is false if
// the item does not rise any more.
func (d *deadlineFair[T, P]) rise(k rank.Key, v T) (rank.Key, bool) {
	at, ok := d.levels.Rises(keyLevel[P](k.Urgency), d.levels.Deadline(v))
	if !ok {
		return rank.Key{}, false
	}
	return rank.Key{Urgency: timeKey(at), Seq: k.Seq}, true
}

func (d *deadlineFair[T, P]) Push(v T) rank.Key {
	k := d.fairTree.Push(v)
	d.watch(k, v)
	return k
}

func (d *deadlineFair[T, P]) Pop() rank.Key {
	v := *d.Head()
	k := d.fairTree.Pop()
	d.unwatch(k, v)
	return k
}

func (d *deadlineFair[T, P]) Restore(k rank.Key, v T) {
	d.fairTree.Restore(k, v)
	d.watch(k, v)
}

func (d *deadlineFair[T, P]) Remove(k rank.Key) T {
	v := d.fairTree.Remove(k)
	d.unwatch(k, v)
	return v
}

func (d *deadlineFair[T, P]) Update(k rank.Key, v T) rank.Key {
	d.unwatch(k, d.At(k))
	k = d.fairTree.Update(k, v)
	d.watch(k, v)
	return k
}
