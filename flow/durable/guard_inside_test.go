package durable

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/retry"
)

// A run that its guard pauses buys nothing from then on, although its control
// file is read later.
func TestThePauseOfAGuardHoldsAtOnce(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	root, err := os.OpenRoot(path)
	if err != nil {
		t.Fatal(err)
	}
	c := &config{dir: rundir.New(path, "tickets"), own: []*ownRoute{{}}, callbacks: new(callbacks), log: slog.New(slog.DiscardHandler)}
	lock, err := c.dir.Begin(root)
	if err := errors.Join(err, root.Close()); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	wake := make(chan struct{}, 1)
	g, err := newGuard(c, newGate(), &notices{config: c}, wake)
	if err != nil {
		t.Fatal(err)
	}
	g.pause(c.own[0], retry.Alert{})
	if g.gate.running() || len(wake) != 1 {
		t.Errorf("running %t, %d to wake", g.gate.running(), len(wake))
	}
}
