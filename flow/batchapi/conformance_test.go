package batchapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/batchapi"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// front is a Server as its clients reach it, with faults on the way.
type front struct {
	*world
	creates  string // the path of creations
	contents string // what those of results end with

	created      atomic.Int64
	lose, refuse atomic.Bool // the next creation
	withholds    atomic.Bool
}

// RoundTrip makes a call to the Server.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Err() != nil {
		return nil, context.Cause(r.Context())
	}
	isCreate := r.Method == http.MethodPost && r.URL.Path == f.creates
	if isCreate && f.refuse.CompareAndSwap(true, false) {
		return made(r, http.StatusTooManyRequests, `{"error":{"type":"rate_limit_error","message":"too many"}}`), nil
	}
	if f.withholds.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, f.contents) {
		return made(r, http.StatusOK, "<html>"), nil
	}
	reply, err := f.world.RoundTrip(r)
	if isCreate && err == nil && reply.StatusCode == http.StatusOK {
		f.created.Add(1)
		if f.lose.CompareAndSwap(true, false) {
			return nil, errors.New("the connection was reset")
		}
	}
	return reply, err
}

func made(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}
}

// withoutStore is a client without the files of rows, which a Server does not
// keep.
type withoutStore struct{ sink.Provider }

func (p withoutStore) Info() sink.Info {
	info := p.Provider.Info()
	info.FileStore = nil
	return info
}

// Our own clients take a Server for the provider whose protocol it speaks: in
// front of that provider, with the keys of its callers, and in front of the
// other one.
func TestConformance(t *testing.T) {
	for _, test := range []struct{ protocol, behind string }{{"openai", "openai"}, {"anthropic", "anthropic"}, {"openai", "anthropic"}, {"anthropic", "openai"}} {
		t.Run(test.protocol+" in front of "+test.behind, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.Harness {
				t.Helper()
				return harness(t, test.protocol, test.behind)
			})
		})
	}
}

// harness is a Server in front of a simulator whose batches take an hour.
func harness(t *testing.T, protocol, behind string) sinktest.Harness {
	t.Helper()
	const secret = "sk-of-a-caller"
	provider, err := simulator.StartPipe(simulator.Config{
		Keys: []string{secret}, Latency: simulator.Latency{Validation: time.Second, Processing: time.Hour, Cancelling: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, provider: provider, quiet: slog.New(slog.DiscardHandler)}
	w.config = batchapi.Config{Dir: w.dir("served"), Log: w.quiet, Poll: time.Minute, Connect: func(c batchapi.Caller) (batchapi.Account, error) {
		if c.Key() == "" {
			return batchapi.Account{}, batchapi.ErrNoKey
		}
		client := w.client(behind, c.Key(), provider.BaseURL(behind), provider.Client().Transport)
		if behind == protocol {
			return batchapi.Account{Provider: client}, nil
		}
		return batchapi.Account{Routes: []durable.Route{{Provider: client, Model: "m"}}}, nil
	}}
	w.open()
	t.Cleanup(func() {
		w.close()
		if err := provider.Close(); err != nil {
			t.Error(err)
		}
		provider.Client().CloseIdleConnections()
	})
	f, base := &front{world: w, creates: "/v1/batches", contents: "/content"}, "http://baler/v1"
	h := sinktest.Harness{Endpoint: "/v1/chat/completions", Model: "m"}
	if protocol == "anthropic" {
		f.creates, f.contents, base, h.Endpoint = "/v1/messages/batches", "/results", "http://baler", "/v1/messages"
	}
	h.Good = func(text string) json.RawMessage {
		return fmt.Appendf(nil, `{"model":"m","max_tokens":50,"messages":[{"role":"user","content":%q}]}`, text)
	}
	h.Provider = withoutStore{w.client(protocol, secret, base, f)}
	h.Stranger = withoutStore{w.client(protocol, "sk-of-somebody-else", base, f)}
	h.Bad = h.Good("[[400]]")
	h.LoseCreate, h.RefuseCreate, h.Withhold = func() { f.lose.Store(true) }, func() { f.refuse.Store(true) }, f.withholds.Store
	h.Created = func() int { return int(f.created.Load()) }
	h.Finish = func() {
		time.Sleep(time.Minute) // so that they are there
		if err := provider.Advance(2 * time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return h
}
