package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// callUntilAnswered makes a chat as an SDK does that repeats what is broken off.
// The proxy may come back at another address.
func callUntilAnswered(ctx context.Context, url *atomic.Pointer[string], text string) (string, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		body := fmt.Sprintf(`{"model":"gpt-test","messages":[{"role":"user","content":%q}]}`, text)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, *url.Load()+"/chat/completions", strings.NewReader(body))
		if err != nil {
			return "", err
		}
		r.Header.Set("Authorization", "Bearer sk-of-the-program")
		if reply, err := http.DefaultClient.Do(r); err == nil {
			b, err := io.ReadAll(reply.Body)
			_ = reply.Body.Close()
			if err == nil {
				return string(b), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// A proxy that is killed while it holds calls, and started again without their
// key, answers those that come back, and buys nothing twice.
func TestAKilledProxyAnswersTheCallsThatComeBack(t *testing.T) {
	t.Parallel()
	const calls = 60
	server, dir := startSimulator(t, simulator.Config{Latency: simulator.Latency{Processing: 300 * time.Millisecond}}), t.TempDir()
	start := func() *serving {
		return serve(t, dir, server, nil, "--batch-size", "20", "--batch-window", "50ms", "--grace", "2s")
	}
	s := start()
	var url atomic.Pointer[string]
	url.Store(&s.url)
	var all sync.WaitGroup
	for k := range calls {
		all.Go(func() {
			text := fmt.Sprintf("ticket number %d", k)
			if got, err := callUntilAnswered(t.Context(), &url, text); err != nil || !strings.Contains(got, text+`"`) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
	waitForBatches(t, server, 1)
	s.kill()
	s = start()
	url.Store(&s.url)
	all.Wait()
	ranOnce(t, server, calls)
}
