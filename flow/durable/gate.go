package durable

import (
	"context"
	"errors"
	"sync"
)

// errCancelled is why a cancelled run no longer does something.
var errCancelled = errors.New("durable: cancelled")

// gate is what sealing and creating batches pass through: open while the run
// is wanted, shut while it is paused, and for good once it is cancelled.
type gate struct {
	off  context.Context // done once cancelled
	shut context.CancelCauseFunc

	mu     sync.Mutex
	want   State         // Running, Paused or Cancelled
	moved  chan struct{} // closed when want changes
	inside int           // who entered and did not leave
}

func newGate(want State) *gate {
	g := &gate{want: Running, moved: make(chan struct{})}
	g.off, g.shut = context.WithCancelCause(context.Background())
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
		in, moved := g.try()
		if in {
			return nil
		}
		select {
		case <-moved:
		case <-g.off.Done():
			return errCancelled
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

// whileWanted returns a context that ends with ctx, or, of errCancelled, when
// the run is cancelled.
func (g *gate) whileWanted(ctx context.Context) (context.Context, func()) {
	wanted, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(g.off, func() { cancel(errCancelled) })
	if g.cancelled() {
		cancel(errCancelled) // at once
	}
	return wanted, func() {
		stop()
		cancel(nil)
	}
}

// noticing is whileWanted for who waits on after a cancel, too: a run that is
// cancelled already is no news.
func (g *gate) noticing(ctx context.Context) (context.Context, func()) {
	if g.cancelled() {
		return ctx, func() {}
	}
	return g.whileWanted(ctx)
}
