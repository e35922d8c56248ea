package mistral_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/mistral"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

func TestConformance(t *testing.T) {
	for name, inline := range map[string]int{"file": 0, "inline": 10_000} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				t.Helper()
				return harness(t, inline)
			})
		})
	}
}

// harness is a simulator in memory whose batches take an hour.
func harness(t *testing.T, inline int) sinktest.Harness {
	t.Helper()
	server, err := simulator.StartPipe(simulator.Config{
		Provider: "mistral", Keys: []string{secret},
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
	client := func(key string) *mistral.Client {
		c, err := mistral.New(key, mistral.Config{
			BaseURL: "http://127.0.0.1", Transport: server.Client().Transport, InlineRows: inline,
		})
		must(err)
		return c
	}
	fault := func(f simulator.Fault) func() {
		f.Route = "POST /v1/batch/jobs"
		return func() { must(server.SetFaults(f)) }
	}
	withheld := []simulator.Fault{
		{Route: "GET /v1/files/{id}/content", Action: simulator.ActionReplace, Body: "<html>", Times: -1},
		{Route: "GET /v1/batch/jobs/{id}", Action: simulator.ActionMerge, Merge: json.RawMessage(`{"outputs":null}`), Times: -1},
	}
	return sinktest.Harness{
		Provider: client(secret), Stranger: client("of-somebody-else"),
		Endpoint: endpoint, Model: "m", Good: func(text string) json.RawMessage { return json.RawMessage(chat(text)) },
		Bad:          json.RawMessage(`{"messages":[{"role":"user","content":"hi"}],"max_completion_tokens":7}`),
		Finish:       func() { must(server.Advance(2 * time.Hour)) },
		LoseCreate:   fault(simulator.Fault{Action: simulator.ActionResetAfter}),
		RefuseCreate: fault(simulator.Fault{Action: simulator.ActionFail, Status: 429}),
		Withhold: func(on bool) {
			if !on {
				must(server.SetFaults())
				return
			}
			must(server.SetFaults(withheld...))
		},
		Created: func() int { return len(server.Batches()) },
	}
}
