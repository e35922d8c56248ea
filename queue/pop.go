package queue

import "context"

// Pop takes the most urgent item. It waits for one while the queue is empty. It
// returns [ErrClosed] once the queue is closed and empty, or the cause of a
// done ctx.
func (q *Queue[T]) Pop(ctx context.Context) (T, error) {
	if err := q.lockForItems(ctx); err != nil {
		var none T
		return none, err
	}
	defer q.unlock()
	q.order.Tick()
	v := *q.order.Head()
	q.order.Pop()
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
	q.order.Tick()
	items := make([]T, max(1, min(n, q.order.Len())))
	for i := range items {
		items[i] = *q.order.Head()
		q.order.Pop()
		q.index.popped(items[i])
	}
	return items, nil
}
