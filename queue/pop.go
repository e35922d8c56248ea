package queue

import "context"

// Pop takes the most urgent item, waiting for one while the queue is empty. It
// returns [ErrClosed] once the queue is closed and empty, or the cause of a
// done ctx.
func (q *Queue[T]) Pop(ctx context.Context) (T, error) {
	if err := q.lockForItems(ctx); err != nil {
		var none T
		return none, err
	}
	defer q.unlock()
	q.order.tick()
	v := *q.order.head()
	q.order.pop()
	q.index.popped(v)
	return v, nil
}

// PopMany takes up to n items, the most urgent first. It waits for one, never
// for more. The slice belongs to the caller. n below 1 counts as 1.
func (q *Queue[T]) PopMany(ctx context.Context, n int) ([]T, error) {
	if err := q.lockForItems(ctx); err != nil {
		return nil, err
	}
	defer q.unlock()
	q.order.tick()
	items := make([]T, max(1, min(n, q.order.len())))
	for i := range items {
		items[i] = *q.order.head()
		q.order.pop()
		q.index.popped(items[i])
	}
	return items, nil
}
