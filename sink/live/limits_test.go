package live_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/simulator"
)

// A batch uses the limits of its account, requests or tokens, and the account
// never has to refuse a call.
func TestTheLimitsAreUsedAndNotExceeded(t *testing.T) {
	const rpm, tpm = 600, 600_000
	for name, test := range map[string]struct{ n, bytes int }{
		"requests and tokens": {2000, 3850}, "tokens": {700, 7000},
	} {
		n, bytes := test.n, test.bytes
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, simulator.Config{Limits: simulator.Limits{RequestsPerMinute: rpm, TokensPerMinute: tpm}})
				p := w.open(live.Config{
					Rate: ratelimit.Config{Requests: rpm, InputTokens: tpm, Slots: 32}, Limits: sink.Limits{Rows: n},
				})
				start := time.Now()
				h := w.begin(p, "tag", n, chat("short answer "+strings.Repeat("long question ", bytes/14)))
				status := w.await(p, h)
				minutes := time.Since(start).Minutes()
				tokens := 0.0
				for e, err := range w.server.Executions() {
					if err != nil {
						t.Fatal(err)
					}
					tokens += float64(e.InputTokens + e.OutputTokens)
				}
				ofRequests, ofTokens := float64(n)/minutes/rpm, tokens/minutes/tpm
				t.Logf("%d rows in %.2f minutes: %.1f %% of the requests, %.1f %% of the tokens, %d refused",
					n, minutes, 100*ofRequests, 100*ofTokens, w.refused(tooMany))
				if max(ofRequests, ofTokens) < 0.97 || w.refused(tooMany) > 0 || status.Succeeded != n {
					t.Errorf("%+v", status)
				}
			})
		})
	}
}
