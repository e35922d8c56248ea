package queue

import "errors"

var (
	errNoIndex   = errors.New("queue: Index was not called")
	errLateIndex = errors.New("queue: Index called on a queue in use")
)

// Index makes the items known by id, which must be unique among those that
// wait, so that [Queue.Remove], [Queue.Update] and [Queue.Position] can find
// them. It costs a map entry per item. Call it before anything else; it
// returns q, so that it can be chained to [By] or [New].
func (q *Queue[T]) Index(id func(T) string) *Queue[T] {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q
	}
	if q.held() > 0 || q.index != nil {
		q.err = errLateIndex
		return q
	}
	x := newIndex(id)
	x.order = q.policy.ranked(q.cfg, x.moved)
	q.order, q.index = x.order, x
	return q
}

// Remove takes the item with that id out of the queue. It returns
// [ErrNotFound] if it does not wait. O(log n).
func (q *Queue[T]) Remove(id string) (T, error) {
	q.mu.Lock()
	defer q.unlock()
	p, err := q.find(id)
	if err != nil {
		var none T
		return none, err
	}
	v := q.index.order.remove(p)
	q.index.free(v)
	return v, nil
}

// Update replaces the item with that id by what change makes of it, and moves
// it to where its new priority or deadline puts it. Among its new equals it
// keeps the age it has; under [Fair] it joins the end of its tenant's share. It
// returns [ErrNotFound] if the item does not wait and [ErrDuplicate] if change
// gave it the id of another one. O(log n).
//
// change runs under the lock of the queue: it must not call the queue.
func (q *Queue[T]) Update(id string, change func(T) T) error {
	q.mu.Lock()
	defer q.unlock()
	p, err := q.find(id)
	if err != nil {
		return err
	}
	v := change(q.index.order.at(p))
	renamed := q.index.id(v)
	if renamed != id && q.index.has(renamed) {
		return ErrDuplicate
	}
	delete(q.index.places, id)
	q.index.places[renamed] = q.index.order.update(p, v)
	return nil
}

// Position is how many items leave before the one with that id, if nothing
// changes until then: 0 for the next one. It returns [ErrNotFound] if the item
// does not wait. O(log n).
func (q *Queue[T]) Position(id string) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p, err := q.find(id)
	if err != nil {
		return 0, err
	}
	return q.leased + q.index.order.rank(p), nil
}

// find is the present place of an item.
func (q *Queue[T]) find(id string) (place, error) {
	if q.err != nil {
		return place{}, q.err
	}
	if q.index == nil {
		return place{}, errNoIndex
	}
	q.order.tick()
	p, ok := q.index.places[id]
	if !ok {
		return place{}, ErrNotFound
	}
	return p, nil
}
