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

// gate lets batches be sealed and created only while the run may buy. It is
// closed while the run is paused. It is closed for good once the run is
// cancelled or its account is blocked.
type gate struct {
	off   context.Context // done once cancelled
	shut  context.CancelCauseFunc
	spent context.Context // done once blocked
	spend context.CancelCauseFunc

	drained context.Context // done once no more items are to be taken
	drain   context.CancelCauseFunc

	mu     sync.Mutex
	why    error         // the account is blocked, nil if it is not
	want   State         // StateRunning, StatePaused or StateCancelled
	rev    int           // of the control file that says so
	moved  chan struct{} // closed when want changes
	inside int           // callers that entered and did not leave yet
}

func newGate() *gate {
	g := &gate{want: StateRunning, moved: make(chan struct{})}
	g.off, g.shut = context.WithCancelCause(context.Background())
	g.spent, g.spend = context.WithCancelCause(context.Background())
	g.drained, g.drain = context.WithCancelCause(context.Background())
	return g
}

// set does what a revision of the control file wants, unless it is older than
// the one that was set last. The guard sets a pause here as it writes it, so
// that nothing is bought before the controller reads the file.
func (g *gate) set(want State, rev int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if rev < g.rev {
		return
	}
	g.rev = rev
	if want == g.want {
		return
	}
	g.want = want
	close(g.moved)
	g.moved = make(chan struct{})
	if want == StateCancelled {
		g.shut(errCancelled)
	}
}

// forget lets the next revision count, whatever was set before it: the control
// file was lost, or an older one has taken its place.
func (g *gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rev = 0
}

// enter waits while the gate is closed. After it has returned nil, the caller
// must call leave.
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

// pass waits while the gate is closed, and does not enter.
func (g *gate) pass(ctx context.Context) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	g.leave()
	return nil
}

// try enters, or returns a channel that is closed when the requested state
// changes.
func (g *gate) try() (in bool, moved <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.want != StateRunning {
		return false, g.moved
	}
	g.inside++
	return true, nil
}

// running reports whether the run may buy.
func (g *gate) running() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.want == StateRunning && g.why == nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
}

// applied reports whether the requested state is applied: nobody is inside who
// should not be.
func (g *gate) applied() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.want == StateRunning || g.inside == 0
}

func (g *gate) cancelled() bool { return g.off.Err() != nil }

// block closes the gate because the account is blocked. It reports whether this
// is the first such error, which is the one that counts.
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

// untilBuyingEnds returns a context that ends with ctx, or when nothing more
// may be bought; its cause is then errCancelled or errBlocked.
func (g *gate) untilBuyingEnds(ctx context.Context) (context.Context, func()) {
	wanted, stop := until(ctx, g.off)
	wanted, stopToo := until(wanted, g.spent)
	return wanted, func() {
		stopToo()
		stop()
	}
}

// untilCancelled returns a context that ends with ctx, or with errCancelled
// when the run is cancelled. If the run is cancelled already, it returns ctx.
func (g *gate) untilCancelled(ctx context.Context) (context.Context, func()) {
	if g.cancelled() {
		return ctx, func() {}
	}
	return until(ctx, g.off)
}

// until returns a context that ends with ctx or with other, and has the cause
// of that one.
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
