package live_test

import (
	"os"
	"sync"
	"testing"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// Creations are made on this machine, so none is lost, and results are not
// late.
func TestConformance(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		t.Helper()
		finish := make(chan struct{})
		var once sync.Once
		end := func() { once.Do(func() { close(finish) }) }
		w := newWorld(t, simulator.Config{Keys: []string{key}, Answer: func(r simulator.Row) simulator.Reply {
			<-finish
			return simulator.Echo(r)
		}})
		p := w.open(live.Config{Rate: ratelimit.Config{Slots: 2}})
		t.Cleanup(end)
		stranger, err := live.New(w.client("sk-of-somebody-else"), live.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(t, stranger) })
		return sinktest.Harness{
			Provider: p, Stranger: stranger, Endpoint: endpoint, Model: "m",
			Good: chat, Bad: chat("[[400]]"),
			Finish: end,
			RefuseCreate: func() {
				if err := w.server.SetFaults(simulator.Fault{
					Route: "GET /v1/batches", Action: simulator.ActionFail, Status: tooMany,
				}); err != nil {
					t.Fatal(err)
				}
			},
			Created: func() int {
				entries, err := os.ReadDir(w.dir)
				if err != nil {
					t.Fatal(err)
				}
				return len(entries) - 1 // the lock
			},
		}
	})
}
