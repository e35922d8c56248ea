// Package gotest has what the tests of all official Go clients need of the
// simulator.
package gotest

import (
	"slices"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// Start serves a simulator until the end of the test.
func Start(t *testing.T, cfg simulator.Config) *simulator.Server {
	t.Helper()
	srv, err := simulator.Start("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return srv
}

// Advance moves the clock once each batch runs.
func Advance(t *testing.T, srv *simulator.Server, d time.Duration) {
	t.Helper()
	Until(t, func() bool {
		return !slices.ContainsFunc(srv.Batches(), func(b simulator.Batch) bool { return b.Status == "validating" })
	})
	if err := srv.Advance(d); err != nil {
		t.Fatal(err)
	}
}

// Until waits until done.
func Until(t *testing.T, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal("the test is over")
		}
	}
}
