package durable

import (
	"context"
	"errors"
	"sync"
)

// errCancelled is why a cancelled run no longer does something.
var errCancelled = errors.New("durable: cancelled")

// errBlocked is why a run whose account is blocked no longer does something.
var errBlocked = errors.New("durable: the account is blocked")

// gate is what sealing and creating batches pass through: open while the run
// is wanted, shut while it is paused, and for good once it is cancelled or its
// account is blocked.
type gate struct {
	off   context.Context // done once cancelled
	shut  context.CancelCauseFunc
	spent context.Context // done once blocked
	spend context.CancelCauseFunc

	mu     sync.Mutex
	why    error         // the account is blocked, nil if it is not
	want   State         // Running, Paused or Cancelled
	moved  chan struct{} // closed when want changes
	inside int           // who entered and did not leave
}

func newGate(want State) *gate {
	g := &gate{want: Running, moved: make(chan struct{})}
	g.off, g.shut = context.WithCancelCause(context.Background())
	g.spent, g.spend = context.WithCancelCause(context.Background())
	g.set(want)
	return g
}

func (g *gate) set(want State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.want = want
	close(g.moved)
	g.moved = make(chan struct{})
	if want == Cancelled {
		g.shut(errCancelled)
	}
}

// enter waits while the gate is shut. Who gets in must leave.
func (g *gate) enter(ctx context.Context) error {
	for {
		if g.spent.Err() != nil {
			return errBlocked
		}
		in, moved := g.try()
		if in {
			return nil
		}
		select {
		case <-moved:
		case <-g.off.Done():
			return errCancelled
		case <-g.spent.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// try enters, or returns what to wait for.
func (g *gate) try() (in bool, moved <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.want != Running {
		return false, g.moved
	}
	g.inside++
	return true, nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

// obeyed reports that nothing is sealed or created any more that should not.
func (g *gate) obeyed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.want == Running || g.inside == 0
}

func (g *gate) cancelled() bool { return g.off.Err() != nil }

// block shuts the gate as the account is blocked, and reports whether it is the
// first to do so, whose error counts.
func (g *gate) block(why error) (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.why != nil {
		return false
	}
	g.why = why
	g.spend(errBlocked)
	return true
}

// blocked returns why the account is blocked, nil if it is not.
func (g *gate) blocked() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.why
}

// whileWanted returns a context that ends with ctx, or when nothing more is
// bought: of errCancelled, or of errBlocked.
func (g *gate) whileWanted(ctx context.Context) (context.Context, func()) {
	wanted, stop := until(ctx, g.off)
	wanted, stopToo := until(wanted, g.spent)
	return wanted, func() {
		stopToo()
		stop()
	}
}

// noticing returns a context that ends with ctx, or, of errCancelled, when the run
// is cancelled: one that is cancelled already is no news.
func (g *gate) noticing(ctx context.Context) (context.Context, func()) {
	if g.cancelled() {
		return ctx, func() {}
	}
	return until(ctx, g.off)
}

// until returns a context that ends with ctx or other, and with its cause.
func until(ctx, other context.Context) (context.Context, func()) {
	wanted, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	if other.Err() != nil {
		cancel(context.Cause(other)) // at once
	}
	return wanted, func() {
		stop()
		cancel(nil)
	}
}
