package queue

import "context"

// lockForRoom takes the lock at a moment when an item may be pushed. After an
// error the lock is not held.
func (q *Queue[T]) lockForRoom(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.lock()
	for !q.hasRoom() {
		if err := q.wait(ctx, &q.room); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	return nil
}

// lockForItems takes the lock at a moment when an item may be popped. After an
// error the lock is not held.
func (q *Queue[T]) lockForItems(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.lock()
	for !q.hasItems() {
		if err := q.wait(ctx, &q.items); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	return nil
}

func (q *Queue[T]) hasRoom() bool  { return q.occupied() < q.cfg.Capacity && !q.closed && q.err == nil }
func (q *Queue[T]) hasItems() bool { return q.order.Len() > 0 }

// wait gives up the lock until the gate opens or the queue is closed. It
// returns an error at once if neither can help, and the cause of a done ctx.
func (q *Queue[T]) wait(ctx context.Context, g *gate) (err error) {
	if q.err != nil {
		return q.err
	}
	if q.closed {
		return ErrClosed
	}
	g.waiting++
	q.mu.Unlock()
	select {
	case <-g.open:
	case <-q.ended:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	q.mu.Lock()
	g.waiting--
	return err
}

// unlock ends a change of the queue and wakes the goroutines that may continue.
func (q *Queue[T]) unlock() {
	q.signal()
	if q.running {
		notify(q.changed)
	}
	q.mu.Unlock()
}

// signal opens the gates whose condition holds.
func (q *Queue[T]) signal() {
	if q.items.waiting > 0 && q.hasItems() {
		q.items.signal()
	}
	if q.room.waiting > 0 && q.occupied() < q.cfg.Capacity {
		q.room.signal()
	}
}
