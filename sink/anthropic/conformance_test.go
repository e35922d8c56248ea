package anthropic_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

func TestConformance(t *testing.T) {
	for _, version := range []string{anthropic.Version20261021, anthropic.Version20230601} {
		t.Run(version, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				t.Helper()
				return harness(t, version)
			})
		})
	}
}

// harness is a simulator in memory whose batches take an hour.
func harness(t *testing.T, version string) sinktest.Harness {
	t.Helper()
	server, err := simulator.StartPipe(simulator.Config{
		Provider: "anthropic", Keys: []string{secret},
		Latency: simulator.Latency{Validation: time.Second, Processing: time.Hour, Cancelling: time.Minute},
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	t.Cleanup(func() { must(server.Close()) })
	client := func(key string) *anthropic.Client {
		c, err := anthropic.New(key, anthropic.Config{BaseURL: "http://127.0.0.1", Version: version, Transport: server.Client().Transport})
		must(err)
		return c
	}
	fault := func(f simulator.Fault) func() {
		f.Route = "POST " + batches
		return func() { must(server.SetFaults(f)) }
	}
	body := func(text string) json.RawMessage { return json.RawMessage(chat(text)) }
	return sinktest.Harness{
		Provider: client(secret), Stranger: client("sk-of-somebody-else"),
		Endpoint: anthropic.MessagesEndpoint, Model: "claude-m", Good: body, Bad: body("[[400]]"),
		Finish:       func() { must(server.Advance(2 * time.Hour)) },
		LoseCreate:   fault(simulator.Fault{Action: simulator.ActionResetAfter}),
		RefuseCreate: fault(simulator.Fault{Action: simulator.ActionFail, Status: 429}),
		Withhold: func(on bool) {
			if !on {
				must(server.SetFaults())
				return
			}
			must(server.SetFaults(simulator.Fault{
				Route: "GET " + batches + "/{id}/results", Action: simulator.ActionReplace, Body: "<html>", Times: -1,
			}))
		},
		Created: func() int { return len(server.Batches()) },
	}
}
