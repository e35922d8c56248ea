package intercept_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/intercept"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/simulator"
)

// startProxy serves a proxy to a provider, both on this machine.
func startProxy(t *testing.T, provider simulator.Config, adjust intercept.HandlerConfig) (*simulator.Server, string) {
	t.Helper()
	server, err := simulator.Start("", provider)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	i, err := intercept.New(intercept.Config{
		Dir: open(t, filepath.Join(t.TempDir(), "state"), quiet), All: true, Window: 50 * time.Millisecond, Poll: 10 * time.Millisecond,
		Calls: sink.EvenCalls(1_000_000), Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	adjust.BaseURLs = map[string]string{"openai": server.BaseURL("openai"), "anthropic": server.BaseURL("anthropic")}
	handler, err := i.Handler(adjust)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(handler)
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
		front.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return server, front.URL
}

func TestAProxyAnswersAsTheProvider(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []intercept.Client
	server, url := startProxy(t, simulator.Config{}, intercept.HandlerConfig{Seen: func(c intercept.Client) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, c)
	}})
	for _, test := range []struct {
		path, body string
		header     []string
		status     int
		want       string
	}{
		{"/v1/chat/completions", chat("one"), nil, http.StatusOK, `"object":"chat.completion"`},
		{"/openai/v1/chat/completions", chat("one"), nil, http.StatusOK, `"object":"chat.completion"`},
		{"/v1/chat/completions", chat("[[400]]"), nil, http.StatusBadRequest, `"error"`},
		{"/v1/chat/completions", `{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"one"}]}`, nil, http.StatusOK, "data: [DONE]"},
		{"/v1/chat/completions", `{"model":"gpt-test","stream":true,"messages":[{"role":"user","content":"[[400]] streamed"}]}`, nil, http.StatusOK, `data: {"error"`},
		{"/v1/messages", `{"model":"claude-haiku-5.5","max_tokens":9,"messages":[{"role":"user","content":"one"}]}`, []string{"Anthropic-Version", "2023-06-01"}, http.StatusOK, `"type":"message"`},
		{"/v1/chat/completions", chat("live"), []string{"X-Baler-Live", "true"}, http.StatusOK, `"object":"chat.completion"`},
		{"/v1/chat/completions", chat("one"), []string{"X-Baler-Priority", "now"}, http.StatusBadRequest, "x-baler-priority"},
		{"/v1/nothing", "{}", nil, http.StatusNotFound, "error"},
	} {
		got := post(t.Context(), http.DefaultTransport, url+test.path, test.body, test.header...)
		if got.err != nil || got.status != test.status || !strings.Contains(got.body, test.want) {
			t.Errorf("%s %s: %+v", test.path, test.body, got)
		}
	}
	rows, live := 0, 0
	for e, err := range server.Executions() {
		if err != nil {
			t.Error(err)
		}
		if rows++; e.Live {
			live++
		}
	}
	if rows != 5 || live != 1 {
		t.Errorf("%d rows, %d live", rows, live)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 { // streaming is a kind of its own
		t.Errorf("%+v", seen)
	}
}

func TestAProxyWantsItsToken(t *testing.T) {
	t.Parallel()
	_, url := startProxy(t, simulator.Config{}, intercept.HandlerConfig{Token: "t-1"})
	for path, want := range map[string]int{
		"/v1/chat/completions": http.StatusUnauthorized, "/token/t-2/v1/chat/completions": http.StatusUnauthorized, "/token/": http.StatusUnauthorized,
		"/token/t-1/v1/chat/completions": http.StatusOK,
	} {
		if got := post(t.Context(), http.DefaultTransport, url+path, chat("one")); got.status != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if got := post(t.Context(), http.DefaultTransport, url+"/v1/chat/completions", chat("one"), "X-Baler-Token", "t-1"); got.status != http.StatusOK {
		t.Errorf("%+v", got)
	}
}

// More calls than can be held are told to come again.
func TestAProxyHoldsNoMoreThanItCan(t *testing.T) {
	t.Parallel()
	_, url := startProxy(t, simulator.Config{Latency: simulator.Latency{Processing: 300 * time.Millisecond}}, intercept.HandlerConfig{MaxHeld: 1})
	var held sync.WaitGroup
	held.Go(func() {
		if got := post(t.Context(), http.DefaultTransport, url+"/v1/chat/completions", chat("one")); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
	})
	for {
		r, err := http.Get(url + "/healthz") //nolint:gosec // on this machine
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if strings.Contains(string(b), "1 wait") {
			break
		}
	}
	got := post(t.Context(), http.DefaultTransport, url+"/v1/chat/completions", chat("two"))
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("%+v", got)
	}
	held.Wait()
}

// What answers instead of a service gets the path as that has it, and only with
// the token.
func TestAnotherAnswersInsteadOfAService(t *testing.T) {
	t.Parallel()
	_, url := startProxy(t, simulator.Config{}, intercept.HandlerConfig{Token: "t-1", Instead: func(service, path string) http.Handler {
		if path != "/v1/files" {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, service+" "+r.URL.Path) })
	}})
	for path, want := range map[string]string{
		"/token/t-1/openai/v1/files": "openai /v1/files", "/token/t-1/v1/files": "openai /v1/files", "/token/t-1/groq/v1/files": "groq /v1/files",
		"/token/t-1/v1/chat/completions": `"object":"chat.completion"`, "/v1/files": "baler_token",
	} {
		if got := post(t.Context(), http.DefaultTransport, url+path, chat("one")); !strings.Contains(got.body, want) {
			t.Errorf("%s: %+v, want %s", path, got, want)
		}
	}
}
