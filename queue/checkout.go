package queue

import "github.com/balerhq/baler/queue/internal/rank"

// checkedOut is an item that was taken out of its order while its change is
// being stored. Its room and its id stay reserved.
type checkedOut[T any] struct {
	key rank.Key
	v   T
}

// checkOut takes out the item with that id.
func (q *Queue[T]) checkOut(id string) (checkedOut[T], error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	k, err := q.find(id)
	if err != nil {
		return checkedOut[T]{}, err
	}
	c := checkedOut[T]{k, q.index.order.Remove(k)}
	q.index.popped(c.v)
	q.reserved++
	return c, nil
}

// checkIn puts an item back at its key, changed to v.
func (q *Queue[T]) checkIn(c checkedOut[T], v T) {
	q.mu.Lock()
	defer q.unlock()
	q.reserved--
	q.order.Tick()
	q.order.Restore(c.key, c.v)
	q.index.moved(v, q.index.order.Update(c.key, v))
}

// discard gives up an item that was checked out.
func (q *Queue[T]) discard(c checkedOut[T]) {
	q.mu.Lock()
	defer q.unlock()
	q.reserved--
	q.index.free(c.v)
}
