package queue

import "context"

// burst is the most items that move under one hold of the lock.
const burst = 128

// Push adds v, waiting for room while the queue is full. It returns
// [ErrClosed], [ErrDuplicate], or the cause of a done ctx; then v was not
// added.
func (q *Queue[T]) Push(ctx context.Context, v T) error {
	if err := q.lockForRoom(ctx); err != nil {
		return err
	}
	defer q.unlock()
	q.order.tick()
	_, err := q.place(v)
	return err
}

// PushMany adds the items in order and returns how many it added: all of them,
// unless the error says why not. It waits for room as often as it must, and
// does not keep the slice. Cheaper than as many calls of Push.
func (q *Queue[T]) PushMany(ctx context.Context, items []T) (int, error) {
	added := 0
	for added < len(items) {
		n, err := q.pushSome(ctx, items[added:])
		added += n
		if err != nil {
			return added, err
		}
	}
	return added, nil
}

// pushSome adds at least one item.
func (q *Queue[T]) pushSome(ctx context.Context, items []T) (int, error) {
	if err := q.lockForRoom(ctx); err != nil {
		return 0, err
	}
	defer q.unlock()
	q.order.tick()
	n := min(len(items), burst, q.cfg.Capacity-q.held())
	for i, v := range items[:n] {
		if _, err := q.place(v); err != nil {
			return i, err
		}
	}
	return n, nil
}

// place adds one item.
func (q *Queue[T]) place(v T) (place, error) {
	if q.index == nil {
		return q.order.push(v), nil
	}
	return q.index.push(v)
}
