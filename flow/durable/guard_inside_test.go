package durable

import (
	"log/slog"
	"testing"

	"github.com/balerhq/baler/retry"
)

// A run that its guard pauses buys nothing from then on, although its control
// file is read later.
func TestThePauseOfAGuardHoldsAtOnce(t *testing.T) {
	t.Parallel()
	c := &config{dir: begunRun(t), own: []*ownRoute{{}}, callbacks: new(callbacks), log: slog.New(slog.DiscardHandler)}
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
