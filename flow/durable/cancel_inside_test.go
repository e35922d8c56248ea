package durable

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// begunRun returns the directory of a run that has begun, and that no process
// runs.
func begunRun(t *testing.T) rundir.Dir {
	t.Helper()
	path := t.TempDir()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	d := rundir.New(path, "tickets")
	lock, err := d.Begin(root)
	if err := errors.Join(err, root.Close()); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	return d
}

// Whoever asks for what at the same time, a cancel is never lost, and each
// change has a revision of its own.
func TestACancelIsNotOverwritten(t *testing.T) {
	t.Parallel()
	d := begunRun(t)
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 100 {
				c, err := want(d, []State{StatePaused, StateRunning}[rand.N(2)], "")
				if err != nil && !errors.As(err, new(*CancelledError)) {
					t.Error(err)
				}
				if (c.Want == rundir.Cancelled) != (err != nil) {
					t.Errorf("%+v, %v", c, err)
				}
			}
		})
	}
	asking.Go(func() {
		before, err := d.Control()
		if err != nil {
			t.Error(err)
		}
		c, err := want(d, StateCancelled, reasonRequested)
		if err != nil || c.Want != rundir.Cancelled || c.Rev <= before.Rev || c.Reason != reasonRequested {
			t.Errorf("%+v after %+v, %v", c, before, err)
		}
	})
	asking.Wait()
	c, err := d.Control()
	if err != nil || c.Want != rundir.Cancelled {
		t.Errorf("%+v, %v", c, err)
	}
	again, err := want(d, StateCancelled, reasonTimeLimit)
	if err != nil || again != c {
		t.Errorf("again: %+v, %v", again, err)
	}
}
