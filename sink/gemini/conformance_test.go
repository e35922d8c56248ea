package gemini_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]gemini.Config{
		"files": {}, "inline": {InlineBytes: gemini.MaxInlineBytes},
	} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				t.Helper()
				return harness(t, cfg)
			})
		})
	}
}

// start starts a simulator in memory that plays the API at its root.
func start(t *testing.T, cfg simulator.Config) *simulator.Server {
	t.Helper()
	cfg.Provider = "gemini"
	server, err := simulator.StartPipe(cfg)
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	return server
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clientOf returns a client of a simulator in memory.
func clientOf(t *testing.T, server *simulator.Server, key string, cfg gemini.Config) *gemini.Client {
	t.Helper()
	cfg.BaseURL, cfg.Transport = "http://127.0.0.1", server.Client().Transport
	c, err := gemini.New(key, cfg)
	must(t, err)
	return c
}

const (
	createRoute   = "POST /v1beta/models/{model}:batchGenerateContent"
	downloadRoute = "GET /v1beta/files/{id}:download"
	batchRoute    = "GET /v1beta/batches/{id}"
)

// harness is a simulator in memory whose batches take an hour.
func harness(t *testing.T, cfg gemini.Config) sinktest.Harness {
	t.Helper()
	server := start(t, simulator.Config{
		Keys:    []string{secret},
		Latency: simulator.Latency{Validation: time.Second, Processing: time.Hour, Cancelling: time.Minute},
	})
	fault := func(f simulator.Fault) func() {
		f.Route = createRoute
		return func() { must(t, server.SetFaults(f)) }
	}
	body := func(text string) json.RawMessage { return json.RawMessage(ask(text)) }
	withheld := []simulator.Fault{
		{Route: downloadRoute, Action: simulator.ActionReplace, Body: "<html>", Times: -1},
		{Route: batchRoute, Action: simulator.ActionMerge, Merge: json.RawMessage(`{"metadata":{"output":{"inlinedResponses":null}},"response":null}`), Times: -1},
	}
	return sinktest.Harness{
		Provider: clientOf(t, server, secret, cfg), Stranger: clientOf(t, server, "of-somebody-else", cfg),
		Endpoint: gemini.ContentEndpoint, Model: "m", Good: body, Bad: body("[[400]]"),
		Finish:       func() { must(t, server.Advance(2*time.Hour)) },
		LoseCreate:   fault(simulator.Fault{Action: simulator.ActionResetAfter}),
		RefuseCreate: fault(simulator.Fault{Action: simulator.ActionFail, Status: 429}),
		Withhold: func(on bool) {
			if on {
				must(t, server.SetFaults(withheld...))
				return
			}
			must(t, server.SetFaults())
		},
		Created: func() int { return len(server.Batches()) },
	}
}
