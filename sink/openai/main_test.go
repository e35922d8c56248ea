package openai_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret   = "sk-marker-0123456789"
	endpoint = "/v1/chat/completions"
)

// quick repeats calls without much of a wait.
var quick = retry.Policy{Delay: time.Millisecond}

// connect returns a client of a server at base that is closed with the test.
func connect(t *testing.T, base string, cfg openai.Config) *openai.Client {
	t.Helper()
	cfg.BaseURL = base + "/v1"
	if cfg.Retry.Delay == 0 {
		cfg.Retry = quick
	}
	c, err := openai.New(secret, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// simulate returns a simulated provider on loopback and a client of it.
func simulate(t *testing.T, cfg simulator.Config) (*simulator.Server, *openai.Client) {
	t.Helper()
	server, err := simulator.Start("", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, connect(t, server.URL, openai.Config{})
}

func spec(tag string) sink.Spec {
	return sink.Spec{Tag: tag, Endpoint: endpoint, Model: "m"}
}

func rows(bodies ...string) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for i, body := range bodies {
			if !yield(sink.Row{ID: rowID(i), Body: []byte(body)}, nil) {
				return
			}
		}
	}
}

func rowID(i int) string { return "row-" + string(rune('a'+i)) }

func chat(text string) string {
	return `{"model":"m","messages":[{"role":"user","content":"` + text + `"}]}`
}

// buy uploads the bodies and creates a batch of them.
func buy(t *testing.T, c *openai.Client, tag string, bodies ...string) sink.Handle {
	t.Helper()
	file, err := c.Upload(t.Context(), spec(tag), rows(bodies...))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.Create(t.Context(), spec(tag), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sink.Handle{Batch: batch, File: file}
}

// await polls until the batch is in a phase.
func await(t *testing.T, c *openai.Client, h sink.Handle, phase string) sink.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		s, err := c.Status(ctx, h)
		if err != nil {
			t.Fatalf("waiting for %s, last %+v: %v", phase, s, err)
		}
		if s.Phase == phase {
			return s
		}
		if s.Ended {
			t.Fatalf("ended as %+v, want %s", s, phase)
		}
		<-tick.C
	}
}

// outcomes reads the results by ID, or by line where there is no ID.
func outcomes(t *testing.T, c *openai.Client, h sink.Handle) map[any]sink.Outcome {
	t.Helper()
	got := make(map[any]sink.Outcome)
	for o, err := range c.Results(t.Context(), h) {
		if err != nil {
			t.Fatal(err)
		}
		if o.ID == "" {
			got[o.Line] = o
			continue
		}
		got[o.ID] = o
	}
	return got
}

// requests are the requests that the simulator has seen on a route.
func requests(t *testing.T, s *simulator.Server, route string) (n int) {
	t.Helper()
	for r, err := range s.Requests() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Route == route {
			n++
		}
	}
	return n
}
