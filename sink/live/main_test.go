package live_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "sk-test"
	endpoint = "/v1/chat/completions"
)

// world is a simulated provider in memory, and live providers at it.
type world struct {
	*testing.T
	server *simulator.Server
	dir    string
}

func newWorld(t *testing.T, cfg simulator.Config) *world {
	t.Helper()
	server, err := simulator.StartPipe(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{T: t, server: server, dir: t.TempDir()}
}

// client returns a client with a key, which retries nothing by itself.
func (w *world) client(key string) *openai.Client {
	w.Helper()
	c, err := openai.New(key, openai.Config{
		BaseURL: "http://127.0.0.1/v1", Transport: w.server.Client().Transport, Retry: retry.Policy{MaxAttempts: 1},
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// open returns a provider in the world's directory.
func (w *world) open(c live.Config) *live.Provider {
	w.Helper()
	if c.Dir == "" {
		c.Dir = w.dir
	}
	c.Remaining = openai.ReadRemaining
	p, err := live.New(w.client(key), c)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { closeAll(w.T, p) })
	return p
}

func closeAll(t *testing.T, p *live.Provider) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// limited is a Rate of many requests.
func limited(slots int) ratelimit.Config {
	return ratelimit.Config{Requests: 60_000, Slots: slots}
}

func spec(tag string) sink.Spec { return sink.Spec{Tag: tag, Endpoint: endpoint, Model: "m"} }

func rowID(n int) string { return fmt.Sprintf("row-%04d", n) }

func chat(text string) json.RawMessage {
	return json.RawMessage(`{"model":"m","messages":[{"role":"user","content":"` + text + `"}]}`)
}

// rows yields n rows with the same body.
func rows(n int, body json.RawMessage) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for i := range n {
			if !yield(sink.Row{ID: rowID(i), Body: body}, nil) {
				return
			}
		}
	}
}

// begin creates a batch of n rows.
func (w *world) begin(p *live.Provider, tag string, n int, body json.RawMessage) sink.Handle {
	w.Helper()
	batch, err := p.Create(w.Context(), spec(tag), "", rows(n, body))
	if err != nil {
		w.Fatal(err)
	}
	return sink.Handle{Batch: batch}
}

// await polls until the batch has ended.
func (w *world) await(p *live.Provider, h sink.Handle) sink.Status {
	w.Helper()
	for {
		s, err := p.Status(w.Context(), h)
		if err != nil {
			w.Fatal(err)
		}
		if s.Ended {
			return s
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// outcomes reads the results of an ended batch by row.
func (w *world) outcomes(p *live.Provider, h sink.Handle) map[string]sink.Outcome {
	w.Helper()
	got := make(map[string]sink.Outcome)
	for o, err := range p.Results(w.Context(), h) {
		if err != nil {
			w.Fatal(err)
		}
		if _, twice := got[o.ID]; twice {
			w.Errorf("row %s has two outcomes", o.ID)
		}
		got[o.ID] = o
	}
	return got
}

// asked counts how often the model got each row.
func (w *world) asked() map[string]simulator.Bill {
	w.Helper()
	bills, err := simulator.Tally(w.server.Executions(), func(id string) string { return id })
	if err != nil {
		w.Fatal(err)
	}
	return bills
}

// refused counts the live calls that were answered with a status.
func (w *world) refused(status int) (n int) {
	w.Helper()
	for r, err := range w.server.Requests() {
		if err != nil {
			w.Fatal(err)
		}
		if r.Route == "POST "+endpoint && r.Status == status {
			n++
		}
	}
	return n
}

func (w *world) fault(f simulator.Fault) {
	w.Helper()
	f.Route = "POST " + endpoint
	if err := w.server.SetFaults(f); err != nil {
		w.Fatal(err)
	}
}

const tooMany = http.StatusTooManyRequests
