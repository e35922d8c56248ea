package queue

import "context"

// Pop takes the most urgent item, waiting for one while the queue is empty. It
// returns [ErrClosed] once the queue is closed and empty, or the cause of a
// done ctx.
func (q *Queue[T]) Pop(ctx context.Context) (T, error) {
	var v T
	err := q.take(ctx, func() { v = q.next() })
	return v, err
}

// PopMany takes up to n items, the most urgent first. It waits for one, never
// for more. The slice belongs to the caller. n below 1 counts as 1.
func (q *Queue[T]) PopMany(ctx context.Context, n int) ([]T, error) {
	var items []T
	err := q.take(ctx, func() {
		n = max(1, min(n, q.order.len()))
		items = make([]T, n)
		for i := range items {
			items[i] = q.next()
		}
	})
	return items, err
}

// take calls some with the lock held when there is something to take.
func (q *Queue[T]) take(ctx context.Context, some func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.err != nil:
			return q.err
		case q.order.len() > 0:
			q.order.tick()
			some()
			q.changed()
			return nil
		case q.isClosed():
			return ErrClosed
		}
		if err := q.wait(ctx, &q.items); err != nil {
			return err
		}
	}
}

// next takes the first item out.
func (q *Queue[T]) next() T {
	_, v := q.order.pop()
	q.index.forget(v)
	return v
}
