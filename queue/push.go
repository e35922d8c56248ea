package queue

import "context"

// burst is the most items that move under one hold of the lock, about 10 µs.
const burst = 128

// Push adds v, waiting for room while the queue is full. It returns
// [ErrClosed], [ErrDuplicate], or the cause of a done ctx; then v was not
// added.
func (q *Queue[T]) Push(ctx context.Context, v T) error {
	_, err := q.PushMany(ctx, []T{v})
	return err
}

// PushMany adds the items in order and returns how many it added: all of them,
// unless the error says why not. It waits for room as often as it must, and
// does not keep the slice. Cheaper than as many calls of Push.
func (q *Queue[T]) PushMany(ctx context.Context, items []T) (int, error) {
	added := 0
	for added < len(items) {
		if ctx.Err() != nil {
			return added, context.Cause(ctx)
		}
		n, err := q.pushSome(ctx, items[added:])
		added += n
		if err != nil {
			return added, err
		}
	}
	return added, nil
}

// pushSome adds at least one item, waiting for room if there is none.
func (q *Queue[T]) pushSome(ctx context.Context, items []T) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if err := q.usable(); err != nil {
			return 0, err
		}
		if room := q.cfg.Capacity - q.held(); room > 0 {
			return q.add(items[:min(room, len(items), burst)])
		}
		if err := q.wait(ctx, &q.room); err != nil {
			return 0, err
		}
	}
}

// usable says why nothing may be pushed, if so.
func (q *Queue[T]) usable() error {
	switch {
	case q.err != nil:
		return q.err
	case q.isClosed():
		return ErrClosed
	default:
		return nil
	}
}

// add puts the items in their places.
func (q *Queue[T]) add(items []T) (int, error) {
	defer q.changed()
	q.order.tick()
	for i, v := range items {
		if _, err := q.place(v); err != nil {
			return i, err
		}
	}
	return len(items), nil
}

// place adds one item.
func (q *Queue[T]) place(v T) (place, error) {
	if q.index == nil {
		return q.order.push(v), nil
	}
	return q.index.push(v)
}
