package queue

import "context"

// gate lets goroutines wait for a condition that a mutex guards. It allocates
// nothing per wait, unlike a channel for each waiter, and can be left through a
// context, unlike a sync.Cond. Whoever is let through signals again if the
// condition still holds, so one signal is enough for any number of waiters.
type gate struct {
	open    chan struct{} // holds a token while one waiter may try
	waiting int
}

func newGate() gate { return gate{open: make(chan struct{}, 1)} }

// signal lets one waiter through.
func (g *gate) signal() { notify(g.open) }

// notify leaves a token in a channel for one, unless it holds one already.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// lockForRoom takes the lock at a moment when an item may be pushed. On an
// error it does not hold it.
func (q *Queue[T]) lockForRoom(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	for !q.hasRoom() {
		if err := q.wait(ctx, &q.room); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	return nil
}

// lockForItems takes the lock at a moment when an item may be popped. On an
// error it does not hold it.
func (q *Queue[T]) lockForItems(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	for !q.hasItems() {
		if err := q.wait(ctx, &q.items); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	return nil
}

func (q *Queue[T]) hasRoom() bool  { return q.held() < q.cfg.Capacity && !q.closed && q.err == nil }
func (q *Queue[T]) hasItems() bool { return q.order.len() > 0 }

// wait gives up the lock until the gate opens or the queue is closed. It
// returns at once if there is nothing to wait for, and the cause of a done ctx.
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

// unlock ends a change of the queue and wakes whoever may go on after it.
func (q *Queue[T]) unlock() {
	q.signal()
	if q.running {
		notify(q.nudged)
	}
	q.mu.Unlock()
}

// signal opens the gates that there is a reason to pass.
func (q *Queue[T]) signal() {
	if q.items.waiting > 0 && q.hasItems() {
		q.items.signal()
	}
	if q.room.waiting > 0 && q.held() < q.cfg.Capacity {
		q.room.signal()
	}
}
