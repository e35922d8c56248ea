package durable

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheGateIsShutWhilePaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.set(StatePaused, 0)
		entered := make(chan error)
		go func() { entered <- g.enter(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-entered:
			t.Fatalf("got in: %v", err)
		default:
		}
		g.set(StateRunning, 1)
		if err := <-entered; err != nil {
			t.Fatal(err)
		}
		g.leave()

		g.set(StatePaused, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestACancelledGateLetsNobodyIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		g.set(StatePaused, 0)
		entered := make(chan error)
		go func() { entered <- g.enter(t.Context()) }()
		wanted, stop := g.untilBuyingEnds(t.Context())
		defer stop()
		synctest.Wait()
		g.set(StateCancelled, 1)
		if err := <-entered; !errors.Is(err, errCancelled) {
			t.Errorf("waiting: %v", err)
		}
		<-wanted.Done()
		if err := context.Cause(wanted); !errors.Is(err, errCancelled) || t.Context().Err() != nil {
			t.Errorf("cause %v", err)
		}
		if err := g.enter(t.Context()); !errors.Is(err, errCancelled) || !g.cancelled() {
			t.Errorf("later: %v", err)
		}
		wanted, stop = g.untilBuyingEnds(t.Context())
		defer stop()
		if err := context.Cause(wanted); !errors.Is(err, errCancelled) {
			t.Errorf("later: cause %v", err)
		}
	})
}

// Obeyed is what nobody inside contradicts.
func TestTheGateIsObeyedOnceAllHaveLeft(t *testing.T) {
	t.Parallel()
	g := newGate()
	for range 2 {
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !g.applied() {
		t.Error("to run is obeyed at once")
	}
	g.set(StatePaused, 1)
	g.leave()
	if g.applied() {
		t.Error("one is still inside")
	}
	g.leave()
	if !g.applied() {
		t.Error("all have left")
	}
}

// What was decided later is kept, whoever says so first.
func TestTheGateDoesWhatTheLatestRevisionWants(t *testing.T) {
	t.Parallel()
	g := newGate()
	for _, step := range []struct {
		want    State
		rev     int
		running bool
	}{
		{StatePaused, 2, false},
		{StateRunning, 1, false},
		{StateRunning, 3, true},
		{StatePaused, 2, true},
	} {
		if g.set(step.want, step.rev); g.running() != step.running {
			t.Errorf("revision %d: running %t", step.rev, g.running())
		}
	}
	g.forget()
	if g.set(StateCancelled, 1); !g.cancelled() {
		t.Error("a cancel after the file was lost is ignored")
	}
}
