package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// secret is the key of all clients of these tests.
const secret = "sk-canary/0123+456789=abcdef"

// played returns why a provider cannot be tested end to end, "" if it can.
func played(p *catalog.Provider) string {
	switch {
	case !p.HasClient():
		return "it has no client"
	case !slices.Contains(simulator.Providers(), p.Name):
		return "the simulator does not play it"
	}
	return ""
}

// gateway is a server between a client and a simulator. It numbers the requests
// from 1 and may answer one of them itself.
type gateway struct {
	t    *testing.T
	sim  *simulator.Server
	url  string
	base string // path of the base URL

	mu      sync.Mutex
	n       int
	instead int // the request that gets another answer, 0 for none and -1 for all
	answer  http.HandlerFunc
	rewrite func(http.Header, []byte) []byte // of all that the simulator answers, unless nil
}

func newGateway(t *testing.T, p *catalog.Provider, cfg simulator.Config) *gateway {
	t.Helper()
	sim, err := simulator.StartPipe(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, sim: sim}
	base, err := url.Parse(sim.BaseURL(p.Name))
	if err != nil {
		t.Fatal(err)
	}
	g.base = base.Path
	server := httptest.NewServer(g)
	g.url = server.URL
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// set begins to count anew.
func (g *gateway) set(instead int, answer http.HandlerFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n, g.instead, g.answer = 0, instead, answer
}

// requests is how many there were since set.
func (g *gateway) requests() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n
}

// ServeHTTP implements http.Handler.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.n++
	meddle := g.instead == g.n || g.instead < 0
	g.mu.Unlock()
	if meddle {
		g.answer(w, r)
	} else {
		g.pass(w, r)
	}
}

// pass lets the simulator answer.
func (g *gateway) pass(w http.ResponseWriter, r *http.Request) {
	if g.rewrite == nil {
		g.sim.ServeHTTP(w, r)
		return
	}
	reply := httptest.NewRecorder()
	g.sim.ServeHTTP(reply, r)
	body := g.rewrite(reply.Header(), reply.Body.Bytes())
	for name, values := range reply.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(reply.Code)
	_, _ = w.Write(body)
}

// connect makes a client of the gateway that repeats nothing.
func (g *gateway) connect(p *catalog.Provider) sink.Provider {
	g.t.Helper()
	return connect(g.t, p, g.url+g.base)
}

func connect(t *testing.T, p *catalog.Provider, baseURL string) sink.Provider {
	t.Helper()
	client, err := p.Connect(secret, catalog.Config{
		BaseURL: baseURL, Calls: sink.EvenCalls(1_000_000), Retry: retry.Policy{MaxAttempts: 1, Delay: time.Nanosecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// call is one that a client made in its life.
type call struct {
	name string
	err  error // an errors.ErrUnsupported is none
}

// live makes every call that a client has, for a batch of two rows. What fails
// does not keep it from the calls after it: they are about a batch that is not
// there then. With a simulator, it waits until that has run the batch.
func live(t *testing.T, p *catalog.Provider, client sink.Provider, sim *simulator.Server) (calls []call) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	note := func(name string, err error) {
		if !errors.Is(err, errors.ErrUnsupported) {
			calls = append(calls, call{name, err})
		}
	}
	model := p.Models[0] + "x"
	spec := sink.Spec{Tag: fmt.Sprintf("tag%013d", time.Now().UnixNano()%1e13), Endpoint: p.Codec.Endpoint(), Model: model}
	body, err := p.Codec.Encode(model, llm.Ask("hello"))
	if err != nil {
		t.Fatal(err)
	}
	rows := twoRows(spec.Tag, body)

	note("check", client.Check(ctx))
	file, err := client.Upload(ctx, spec, rows)
	note("upload", err)
	batch, err := client.Create(ctx, spec, file, rows)
	note("create", err)
	if err == nil && sim != nil {
		awaitEnd(t, sim)
	}
	h := sink.Handle{Batch: batch, File: file}
	if batch == "" {
		h.Batch = "batch_none"
	}
	_, err = client.Status(ctx, h)
	note("status", err)
	note("results", drain(client.Results(ctx, h)))
	_, err = client.Find(ctx, spec.Tag, time.Now().Add(-time.Hour))
	note("find", err)
	note("list", drain(client.List(ctx, time.Now().Add(-time.Hour))))
	note("files", drain(client.Files(ctx)))
	note("cancel", client.Cancel(ctx, h))
	note("remove file", client.Remove(ctx, sink.Handle{File: h.File}))
	note("remove", client.Remove(ctx, h))
	return calls
}

func twoRows(tag string, body json.RawMessage) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for _, id := range []string{tag + "_a", tag + "_b"} {
			if !yield(sink.Row{ID: id, Body: body}, nil) {
				return
			}
		}
	}
}

// drain returns the error at the end of a sequence.
func drain[T any](all func(func(T, error) bool)) (err error) {
	for _, err = range all {
		if err != nil {
			break
		}
	}
	return err
}

// awaitEnd waits until the simulator has ended all its batches.
func awaitEnd(t *testing.T, sim *simulator.Server) {
	t.Helper()
	for range 2000 {
		if !slices.ContainsFunc(sim.Batches(), func(b simulator.Batch) bool {
			return !slices.Contains([]string{"completed", "failed", "expired", "cancelled"}, b.Status)
		}) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the batches do not end")
}
