package sink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated provider in memory and a client of it.
type world struct {
	t        *testing.T
	server   *simulator.Server
	provider sink.Provider
	codec    llm.Codec
	model    string
}

const key = "sk-marker-0123456789"

// bubble runs a test in a synctest bubble with a world of its own.
func bubble(t *testing.T, cfg simulator.Config, adjust openai.Config, test func(world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		adjust.BaseURL, adjust.Transport = "http://127.0.0.1/v1", server.Client().Transport
		adjust.Calls = sink.EvenCalls(1_000_000) // these tests are about other waits
		client, err := openai.New(key, adjust)
		if err != nil {
			t.Fatal(err)
		}
		test(world{t: t, server: server, provider: client, codec: client.Info().Codec, model: "gpt-5.4-mini"})
	})
}

// request asks the model what the text says.
func (w world) request(text string) (sink.Request, error) {
	return sink.Encode(w.codec, w.model, llm.Ask(text))
}

// run sends batches of texts through a stage and returns the results by item.
func (w world) run(cfg sink.Config, batches ...[]string) (map[string]sink.Result[string], error) {
	w.t.Helper()
	return collect(w.t, w.t.Context(), sink.FromSlices(w.provider, w.request, cfg), batches...)
}

func (w world) mustRun(cfg sink.Config, batches ...[]string) map[string]sink.Result[string] {
	w.t.Helper()
	got, err := w.run(cfg, batches...)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, text := range slices.Concat(batches...) {
		if _, ok := got[text]; !ok {
			w.t.Errorf("%q has no result", text)
		}
	}
	return got
}

// collect fails if an item has two results.
func collect(t *testing.T, ctx context.Context, s *sink.Stage[[]string, string], batches ...[]string) (map[string]sink.Result[string], error) { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	in, out := make(chan [][]string, len(batches)), make(chan []sink.Result[string], 8)
	for _, b := range batches {
		in <- [][]string{b}
	}
	close(in)
	done := make(chan error, 1)
	go func() {
		defer close(out)
		done <- s.Run(ctx, in, out)
	}()
	got := make(map[string]sink.Result[string])
	for results := range out {
		if len(results) == 0 {
			t.Error("an empty slice was sent")
		}
		for _, r := range results {
			if _, twice := got[r.Item]; twice {
				t.Errorf("%q has two results", r.Item)
			}
			got[r.Item] = r
		}
	}
	return got, <-done
}

// wantBatches fails unless the provider has seen n creations.
func (w world) wantBatches(n int) {
	w.t.Helper()
	if got := len(w.server.Batches()); got != n {
		w.t.Errorf("%d batches were created, want %d", got, n)
	}
}

// wantBilled fails unless the provider has billed n rows.
func (w world) wantBilled(n int) {
	w.t.Helper()
	billed := 0
	for e, err := range w.server.Executions() {
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Billed() {
			billed++
		}
	}
	if billed != n {
		w.t.Errorf("%d rows were billed, want %d", billed, n)
	}
}

func texts(n int) []string { return textsFrom(0, n) }

func textsFrom(from, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("ticket %d: wo ist mein Päckchen?", from+i)
	}
	return all
}

func fault(route string, action simulator.Action) simulator.Fault {
	return simulator.Fault{Route: route, Action: action}
}

func raw(body string) func(string) (sink.Request, error) {
	return func(string) (sink.Request, error) {
		return sink.Request{Endpoint: "/v1/chat/completions", Model: "m", Body: json.RawMessage(body)}, nil
	}
}

const create = "POST /v1/batches"
