package queue

import (
	"errors"

	"github.com/balerhq/baler/queue/internal/rank"
)

var (
	errNoIndex   = errors.New("queue: Index was not called")
	errLateIndex = errors.New("queue: Index called on a queue in use")
)

// Index makes the items known by id, so that [Queue.Remove], [Queue.Update] and
// [Queue.Position] can find them. An id must be unique among the items that
// wait. Index costs a map entry per item. Call it before anything else. It
// returns q, so that it can be chained to [By] or [New].
func (q *Queue[T]) Index(id func(T) string) *Queue[T] {
	q.lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q
	}
	if q.occupied() > 0 || q.index != nil {
		q.err = errLateIndex
		return q
	}
	x := newIndex(id)
	x.order = q.policy.indexed(q.cfg, x.moved)
	q.order, q.index = x.order, x
	return q
}

// Remove takes the item with that id out of the queue. It returns
// [ErrNotFound] if it does not wait. O(log n).
func (q *Queue[T]) Remove(id string) (T, error) {
	q.lock()
	defer q.unlock()
	k, err := q.find(id)
	if err != nil {
		var none T
		return none, err
	}
	v := q.index.order.Remove(k)
	q.index.free(v)
	return v, nil
}

// Update replaces the item with that id by the result of change, and moves it
// to the place of its new priority or deadline. Among its new equals the item
// keeps its age. Under [Fair] it joins the end of its tenant's share. Update
// returns [ErrNotFound] if the item does not wait and [ErrDuplicate] if change
// gave it the id of another one. O(log n).
//
// change runs under the lock of the queue, so that nobody pops the item
// meanwhile. It must not call the queue.
func (q *Queue[T]) Update(id string, change func(T) T) error {
	q.lock()
	defer q.unlock()
	k, err := q.find(id)
	if err != nil {
		return err
	}
	v := change(q.index.order.At(k))
	renamed := q.index.id(v)
	if renamed != id && q.index.has(renamed) {
		return ErrDuplicate
	}
	delete(q.index.keys, id)
	q.index.keys[renamed] = q.index.order.Update(k, v)
	return nil
}

// Position returns how many items leave before the one with that id, if nothing
// changes until then. It is 0 for the next one. Position returns [ErrNotFound]
// if the item does not wait. O(log n).
func (q *Queue[T]) Position(id string) (int, error) {
	q.lock()
	defer q.mu.Unlock()
	k, err := q.find(id)
	if err != nil {
		return 0, err
	}
	return q.offered + q.index.order.Rank(k), nil
}

// find returns the present key of an item.
func (q *Queue[T]) find(id string) (rank.Key, error) {
	if q.err != nil {
		return rank.Key{}, q.err
	}
	if q.index == nil {
		return rank.Key{}, errNoIndex
	}
	q.order.Tick()
	k, ok := q.index.keys[id]
	if !ok {
		return rank.Key{}, ErrNotFound
	}
	return k, nil
}
