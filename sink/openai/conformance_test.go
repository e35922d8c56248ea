package openai_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

func TestConformance(t *testing.T) {
	for _, path := range []string{"/v1/chat/completions", "/v1/responses"} {
		t.Run(path, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				t.Helper()
				return harness(t, path)
			})
		})
	}
}

// The suite also holds for a provider that keeps no tag, such as this one would
// be without metadata.
func TestConformanceWithoutTags(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Harness {
		t.Helper()
		h := harness(t, "/v1/chat/completions")
		h.Provider = sinktest.Untagged(h.Provider.(*openai.Client))
		return h
	})
}

// harness is a simulator in memory whose batches take an hour.
func harness(t *testing.T, path string) sinktest.Harness {
	t.Helper()
	server, err := simulator.StartPipe(simulator.Config{
		Keys:    []string{secret},
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
	client := func(key string) *openai.Client {
		c, err := openai.New(key, openai.Config{BaseURL: "http://127.0.0.1/v1", Transport: server.Client().Transport})
		must(err)
		return c
	}
	fault := func(f simulator.Fault) func() {
		f.Route = "POST /v1/batches"
		return func() { must(server.SetFaults(f)) }
	}
	field := map[string]string{"/v1/chat/completions": "messages", "/v1/responses": "input"}[path]
	body := func(text string) json.RawMessage {
		return json.RawMessage(`{"model":"m","` + field + `":[{"role":"user","content":"` + text + `"}]}`)
	}
	return sinktest.Harness{
		Provider: client(secret), Stranger: client("sk-of-somebody-else"),
		Endpoint: path, Model: "m", Good: body, Bad: body("[[400]]"),
		Finish:       func() { must(server.Advance(2 * time.Hour)) },
		LoseCreate:   fault(simulator.Fault{Action: simulator.ActionResetAfter}),
		RefuseCreate: fault(simulator.Fault{Action: simulator.ActionFail, Status: 429}),
		Withhold: func(on bool) {
			if !on {
				must(server.SetFaults())
				return
			}
			must(server.SetFaults(simulator.Fault{
				Route: "GET /v1/files/{id}/content", Action: simulator.ActionReplace, Body: "<html>", Times: -1,
			}))
		},
		Created: func() int { return len(server.Batches()) },
	}
}
