package queue

import (
	"context"

	"github.com/balerhq/baler/queue/internal/rank"
)

// burst is the most items that move under one hold of the lock.
const burst = 128

// Push adds v. It waits for room while the queue is full. It returns
// [ErrClosed], [ErrDuplicate], or the cause of a done ctx. After an error v was
// not added.
func (q *Queue[T]) Push(ctx context.Context, v T) error {
	if err := q.lockForRoom(ctx); err != nil {
		return err
	}
	defer q.unlock()
	q.order.Tick()
	_, err := q.add(v)
	return err
}

// PushMany adds the items in order and returns how many it added: all of them,
// unless the error says why not. It waits for room as often as it must, and
// does not keep the slice. It is cheaper than as many calls of Push.
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
	q.order.Tick()
	n := min(len(items), burst, q.cfg.Capacity-q.occupied())
	for i, v := range items[:n] {
		if _, err := q.add(v); err != nil {
			return i, err
		}
	}
	return n, nil
}

// add adds one item.
func (q *Queue[T]) add(v T) (rank.Key, error) {
	if q.index == nil {
		return q.order.Push(v), nil
	}
	return q.index.push(v)
}
