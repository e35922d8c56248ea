package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// A call whose stated deadline is near is answered at once, and in a dry run it
// is refused.
func TestServeAsksLiveNearADeadline(t *testing.T) {
	t.Parallel()
	server, err := simulator.Start("", simulator.Config{Latency: simulator.Latency{Processing: 10 * time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, test := range []struct {
		flags  []string
		status int
		want   string
	}{
		{[]string{"--live-within", "30m"}, http.StatusOK, `"chat.completion"`},
		{[]string{"--live-within", "30m", "--dry-run"}, http.StatusBadRequest, "baler_dry_run"},
	} {
		s := serve(t, t.TempDir(), server, nil, test.flags...)
		body := `{"model":"gpt-test","messages":[{"role":"user","content":"urgent"}]}`
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url+"/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer sk-test")
		r.Header.Set("X-Baler-Deadline", "20m")
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if reply.StatusCode != test.status || !strings.Contains(string(text), test.want) {
			t.Errorf("%q: %d %s", test.flags, reply.StatusCode, text)
		}
		s.kill()
	}
	if batches := server.Batches(); len(batches) != 0 {
		t.Errorf("%d batches", len(batches))
	}
}
