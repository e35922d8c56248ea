package queue

import "context"

// gate lets goroutines wait for a condition that a mutex guards. It allocates
// nothing per wait, unlike a channel per waiter, and can be left through a
// context, unlike a sync.Cond. Who is let through opens the gate again if the
// condition still holds, so that one open cannot be lost on many waiters.
type gate struct {
	open    chan struct{} // holds a token while one waiter may try
	waiting int           // guarded by the mutex
}

func newGate() gate { return gate{open: make(chan struct{}, 1)} }

// signal lets one waiter through, if there is any. The mutex must be held.
func (g *gate) signal() {
	if g.waiting == 0 {
		return
	}
	select {
	case g.open <- struct{}{}:
	default:
	}
}

// pass waits for a signal or for one of the ways out. The mutex must not be
// held. A nil error means that the condition is worth another look.
func (g *gate) pass(ctx context.Context, closed <-chan struct{}) error {
	select {
	case <-g.open:
	case <-closed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// changed wakes those who may go on after a call changed the queue.
func (q *Queue[T]) changed() {
	q.signal()
	if q.running {
		select {
		case q.nudged <- struct{}{}:
		default:
		}
	}
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

// wait gives up the lock until the gate opens. It returns the cause of a done
// ctx.
func (q *Queue[T]) wait(ctx context.Context, g *gate) error {
	g.waiting++
	q.mu.Unlock()
	err := g.pass(ctx, q.closed)
	q.mu.Lock()
	g.waiting--
	return err
}
