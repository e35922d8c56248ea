package queue

import "time"

// rising is the order of Fair for deadlines: the level of an item rises as its
// deadline nears. A second tree knows when the next one does, so that each item
// is moved when it rises and at no other time.
type rising[T any] struct {
	fair[T]
	rises  tree[place] // by the time in nanoseconds: where the item is now
	due    func(T) time.Time
	config Config
	moved  func(T, place)
	now    time.Time
}

// tick lifts all items whose time has come.
func (r *rising[T]) tick() {
	r.now = time.Now().Round(0) // deadlines are wall clock times
	for r.rises.n > 0 && r.rises.first().key <= timeKey(r.now) {
		p := *r.rises.head()
		r.rises.pop()
		v := r.fair.remove(p)
		to := r.join(r.levelOf(v), p.seq, v)
		r.watch(to, v)
		r.moved(v, to)
	}
}

func (r *rising[T]) levelOf(v T) int64 {
	return levelKey(r.config.Level(r.due(v), r.now))
}

// watch notes when the item at p will rise.
func (r *rising[T]) watch(p place, v T) {
	if at, ok := r.rise(p, v); ok {
		r.rises.insert(at, p)
	}
}

func (r *rising[T]) unwatch(p place, v T) {
	if at, ok := r.rise(p, v); ok {
		r.rises.remove(at)
	}
}

// rise is when the item at p leaves its level, as a place in the tree of
// rises; false if it will not.
func (r *rising[T]) rise(p place, v T) (place, bool) {
	due := r.due(v)
	switch {
	case due.IsZero() || p.key == levelKey(Critical):
		return place{}, false
	case p.key == levelKey(High):
		return place{key: timeKey(due.Add(-r.config.Critical)), seq: p.seq}, true
	default:
		return place{key: timeKey(due.Add(-r.config.High)), seq: p.seq}, true
	}
}

func (r *rising[T]) push(v T) place {
	p := r.enter(r.levelOf(v), v)
	r.watch(p, v)
	return p
}

func (r *rising[T]) pop() place {
	v := *r.head()
	p := r.fair.pop()
	r.unwatch(p, v)
	return p
}

func (r *rising[T]) restore(p place, v T) {
	r.fair.restore(p, v)
	r.watch(p, v)
}

func (r *rising[T]) remove(p place) T {
	v := r.fair.remove(p)
	r.unwatch(p, v)
	return v
}

func (r *rising[T]) update(p place, v T) place {
	r.unwatch(p, r.at(p))
	p = r.replace(p, r.levelOf(v), v)
	r.watch(p, v)
	return p
}
