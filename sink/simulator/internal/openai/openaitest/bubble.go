package openaitest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// StartInBubble serves a simulator in memory, for tests in a synctest bubble.
func StartInBubble(t *testing.T, cfg simulator.Config) (*simulator.Server, Client) {
	t.Helper()
	srv, err := simulator.StartPipe(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return srv, Client{T: t, Base: srv.URL, Key: "sk-one", HTTP: srv.Client()}
}

// Sleep lets fake time pass and everything that is due happen.
func Sleep(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a bubble that is how time passes
	synctest.Wait()
}

// WantStatus fails unless the batch has the status and the counts.
func (c Client) WantStatus(id, status string, want Counts) Batch {
	c.T.Helper()
	b := c.Get(id)
	if b.Status != status || b.RequestCounts != want {
		c.T.Fatalf("batch is %s with %+v, want %s with %+v", b.Status, b.RequestCounts, status, want)
	}
	return b
}

// Slow is a latency of which every part can be told from the others.
var Slow = simulator.Latency{
	Validation: time.Minute, Processing: 10 * time.Hour, Finalizing: 2 * time.Minute, Cancelling: 3 * time.Minute,
}

// WantBilled fails unless n rows are in the ledger as billed.
func WantBilled(t *testing.T, srv *simulator.Server, n int) {
	t.Helper()
	billed := 0
	for e, err := range srv.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Billed() {
			billed++
		}
	}
	if billed != n {
		t.Errorf("%d rows were billed, want %d", billed, n)
	}
}
