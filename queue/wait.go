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

// signal lets one waiter through, if there is any.
func (g *gate) signal() {
	if g.waiting > 0 {
		notify(g.open)
	}
}

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
	return q.lockWhen(ctx, &q.room, func() (bool, error) {
		if q.isClosed() {
			return false, ErrClosed
		}
		return q.held() < q.cfg.Capacity, nil
	})
}

// lockForItems takes the lock at a moment when an item may be popped. On an
// error it does not hold it.
func (q *Queue[T]) lockForItems(ctx context.Context) error {
	return q.lockWhen(ctx, &q.items, func() (bool, error) {
		if q.order.len() > 0 {
			return true, nil
		}
		if q.isClosed() {
			return false, ErrClosed
		}
		return false, nil
	})
}

// lockWhen takes the lock when ready says yes.
func (q *Queue[T]) lockWhen(ctx context.Context, g *gate, ready func() (bool, error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	q.mu.Lock()
	if err := q.await(ctx, g, ready); err != nil {
		q.mu.Unlock()
		return err
	}
	q.order.tick()
	return nil
}

// await returns nil when ready says yes, with the lock held as before.
func (q *Queue[T]) await(ctx context.Context, g *gate, ready func() (bool, error)) error {
	if q.err != nil {
		return q.err
	}
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		if err := q.wait(ctx, g); err != nil {
			return err
		}
	}
}

// wait gives up the lock until the gate opens or the queue is closed. It
// returns the cause of a done ctx.
func (q *Queue[T]) wait(ctx context.Context, g *gate) (err error) {
	g.waiting++
	q.mu.Unlock()
	select {
	case <-g.open:
	case <-q.closed:
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
	if q.order.len() > 0 {
		q.items.signal()
	}
	if q.held() < q.cfg.Capacity {
		q.room.signal()
	}
}
