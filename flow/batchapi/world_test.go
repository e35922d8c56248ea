package batchapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/batchapi"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/simulator"
)

// world is a provider in memory, a Server in front of it, and what its callers
// have.
type world struct {
	*testing.T
	provider *simulator.Server
	config   batchapi.Config
	server   *batchapi.Server
	quiet    *slog.Logger
}

// inWorld runs a test where time is fake, whose batches take a quarter of an
// hour.
func inWorld(t *testing.T, route string, test func(*world)) {
	t.Helper()
	inWorldOf(t, simulator.Config{Latency: simulator.Latency{Processing: 15 * time.Minute}}, route, test)
}

func inWorldOf(t *testing.T, cfg simulator.Config, route string, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		provider, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer provider.Close()
		w := &world{T: t, provider: provider, quiet: slog.New(slog.DiscardHandler)}
		w.config = batchapi.Config{Dir: w.dir("served"), Log: w.quiet, Keyless: true, Connect: func(batchapi.Caller) (batchapi.Account, error) { return w.routed(route), nil }}
		w.open()
		test(w)
		w.close()
		provider.Client().CloseIdleConnections()
	})
}

// routed is an account with a route to a provider.
func (w *world) routed(name string) batchapi.Account {
	w.Helper()
	model := map[string]string{"anthropic": "claude-test", "openai": "gpt-test", "mistral": "mistral-embed"}[name]
	return batchapi.Account{Routes: []durable.Route{{Provider: w.client(name, "sk-route", w.provider.BaseURL(name), w.provider.Client().Transport), Model: model}}}
}

func (w *world) dir(name string) *durable.Dir {
	w.Helper()
	d, err := durable.Open(filepath.Join(w.TempDir(), name))
	if err != nil {
		w.Fatal(err)
	}
	return d.With(state.Config{Log: w.quiet, NoCompaction: true}) // in fake time, its timer is most of the work
}

func (w *world) open() {
	w.Helper()
	var err error
	if w.server, err = batchapi.New(w.config); err != nil {
		w.Fatal(err)
	}
}

func (w *world) close() {
	w.Helper()
	if err := w.server.Close(); err != nil {
		w.Error(err)
	}
}

func (w *world) client(name, key, base string, via http.RoundTripper) sink.Provider {
	w.Helper()
	entry, _ := catalog.Find(name)
	c, err := entry.Connect(key, catalog.Config{
		BaseURL: base, AllowHTTP: []string{"simulator", "baler"}, Transport: via, Calls: sink.EvenCalls(1_000_000),
	})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// RoundTrip makes a call to the Server that is open now.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.Host = r.URL.RequestURI(), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, in)
	return recorder.Result(), nil
}

// reply is an answer that was read.
type reply struct {
	status int
	text   string
	body   map[string]any
}

// call makes a call with a key.
func (w *world) call(key, method, path, kind string, body []byte) reply {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, "http://baler"+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", kind)
	resp, err := w.RoundTrip(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	got := reply{status: resp.StatusCode, text: string(data)}
	_ = json.Unmarshal(data, &got.body) // or it is no object
	return got
}

func (w *world) get(path string) reply { return w.call("sk-me", http.MethodGet, path, "", nil) }

func (w *world) post(path, body string) reply {
	return w.call("sk-me", http.MethodPost, path, "application/json", []byte(body))
}

// upload uploads a file for a batch, and returns its id.
func (w *world) upload(text string) string {
	w.Helper()
	var form bytes.Buffer
	parts := multipart.NewWriter(&form)
	_ = parts.WriteField("purpose", "batch")
	to, _ := parts.CreateFormFile("file", "in.jsonl")
	_, _ = to.Write([]byte(text))
	_ = parts.Close()
	got := w.call("sk-me", http.MethodPost, "/v1/files", parts.FormDataContentType(), form.Bytes())
	id, _ := got.body["id"].(string)
	if id == "" {
		w.Fatal(got)
	}
	return id
}

// create creates a batch of chats, and returns its id.
func (w *world) create(lines string) string {
	w.Helper()
	got := w.post("/v1/batches", fmt.Sprintf(`{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"run":"r1"}}`, w.upload(lines)))
	id, _ := got.body["id"].(string)
	if id == "" || got.body["status"] != "validating" {
		w.Fatal(got)
	}
	return id
}

// chats are n lines of a batch.
func chats(n int) (lines string) {
	for i := range n {
		lines += fmt.Sprintf(`{"custom_id":"row-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1","max_tokens":50,"messages":[{"role":"user","content":"ticket number %d"}]}}`+"\n", i, i)
	}
	return lines
}

// await polls a batch until it has ended, and returns it with the states that
// it was seen in.
func (w *world) await(id string) (last reply, seen []string) {
	w.Helper()
	for range 24 * 60 {
		last = w.get("/v1/batches/" + id)
		now, _ := last.body["status"].(string)
		if len(seen) == 0 || seen[len(seen)-1] != now {
			seen = append(seen, now)
		}
		if slices.Contains([]string{"completed", "failed", "expired", "cancelled", ""}, now) {
			return last, seen
		}
		time.Sleep(time.Minute)
	}
	w.Fatal(last)
	return last, seen
}

// wantBought checks that the provider has run so many rows, each once.
func (w *world) wantBought(rows int) {
	w.Helper()
	seen := make(map[string]bool)
	for e, err := range w.provider.Executions() {
		if err != nil {
			w.Fatal(err)
		}
		if seen[e.CustomID] {
			w.Errorf("row %s ran twice", e.CustomID)
		}
		seen[e.CustomID] = true
	}
	if len(seen) != rows {
		w.Errorf("%d rows ran, want %d", len(seen), rows)
	}
}

// question is an item of a caller's own job.
type question struct {
	ID   string
	Text string
}

// ask runs a job of n rows whose provider is the Server, and returns what it
// has got.
func (w *world) ask(protocol, model string, n int) (got []durable.Result) {
	w.Helper()
	base := map[string]string{"openai": "http://baler/v1", "anthropic": "http://baler"}[protocol]
	path := map[string]string{"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[protocol]
	var rows []question
	for i := range n {
		rows = append(rows, question{fmt.Sprintf("q%d", i), fmt.Sprintf("ticket number %d", i)})
	}
	_, err := durable.Run(w.Context(), durable.Job[question]{
		Name: "asks", Source: source.Seq("questions", slices.Values(rows)), Key: func(q question) string { return q.ID },
		Request: func(q question) (sink.Request, error) {
			return sink.Request{Endpoint: path, Model: model, Body: fmt.Appendf(nil, `{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":%q}]}`, model, q.Text)}, nil
		},
		Provider: w.client(protocol, "sk-me", base, w), Batch: durable.BatchLimits{MaxItems: 100},
		Dir: w.dir("asking"), Log: w.quiet,
		Output: durable.Each(func(_ context.Context, r durable.Result) error { got = append(got, r); return nil }),
	})
	if err != nil {
		w.Fatal(err)
	}
	return got
}
