package intercept_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// world is a provider in memory, and a directory.
type world struct {
	*testing.T
	server *simulator.Server
	dir    string
	config intercept.Config
}

// inWorld runs a test where time is fake.
func inWorld(t *testing.T, cfg simulator.Config, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		quiet := slog.New(slog.DiscardHandler)
		dir := filepath.Join(t.TempDir(), "state")
		test(&world{t, server, dir, intercept.Config{
			Dir: open(t, dir, quiet), All: true, Transport: server.Client().Transport, Base: server.Client().Transport,
			Calls: sink.EvenCalls(1_000_000), Log: quiet,
		}})
		server.Client().CloseIdleConnections()
	})
}

func open(t *testing.T, dir string, log *slog.Logger) *durable.Dir {
	t.Helper()
	d, err := durable.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d.With(state.Config{Log: log, NoCompaction: true}) // in fake time, its timer is most of the work
}

// begin opens an Interceptor, to be closed.
func (w *world) begin(change ...func(*intercept.Config)) *intercept.Interceptor {
	w.Helper()
	cfg := w.config
	for _, c := range change {
		c(&cfg)
	}
	i, err := intercept.New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

func (w *world) close(i *intercept.Interceptor) {
	w.Helper()
	if err := i.Close(); err != nil {
		w.Error(err)
	}
}

// reply is a response that was read.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// chat is the body of a chat.
func chat(text string) string {
	return fmt.Sprintf(`{"model":"gpt-test","messages":[{"role":"user","content":%q}]}`, text)
}

// post makes a call with the key sk-test, unless a header says otherwise.
func post(ctx context.Context, via http.RoundTripper, url, body string, header ...string) reply {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer sk-test")
	for k := 0; k+1 < len(header); k += 2 {
		r.Header.Set(header[k], header[k+1])
	}
	resp, err := via.RoundTrip(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

const chats = "http://127.0.0.1/v1/chat/completions"

// ask makes n different chats at once, and checks the answers.
func (w *world) ask(via http.RoundTripper, from, to int) {
	w.Helper()
	var all sync.WaitGroup
	for n := from; n < to; n++ {
		all.Go(func() {
			text := fmt.Sprintf("ticket number %d", n)
			got := post(w.Context(), via, chats, chat(text))
			if got.err != nil || got.status != http.StatusOK || !strings.Contains(got.body, text) {
				w.Errorf("call %d: %d %s, %v", n, got.status, got.body, got.err)
			}
		})
	}
	all.Wait()
}

// wantBought checks what the provider has run, each row once and none live.
func (w *world) wantBought(rows, batches int) {
	w.Helper()
	seen := make(map[string]bool)
	for e, err := range w.server.Executions() {
		if err != nil {
			w.Fatal(err)
		}
		if e.Live {
			w.Error("a row was asked live")
		}
		if seen[e.CustomID] {
			w.Errorf("row %s ran twice", e.CustomID)
		}
		seen[e.CustomID] = true
	}
	if len(seen) != rows || len(w.server.Batches()) != batches {
		w.Errorf("%d rows in %d batches, want %d in %d", len(seen), len(w.server.Batches()), rows, batches)
	}
}

// slow is a provider whose batches take longer than most programs wait.
var slow = simulator.Config{Latency: simulator.Latency{Processing: 15 * time.Minute}}
