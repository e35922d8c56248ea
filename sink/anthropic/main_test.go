package anthropic_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "sk-ant-marker-0123456789"

// quick repeats calls without much of a wait.
var quick = retry.Policy{Delay: time.Millisecond}

// connect returns a client of a server at base that is closed with the test.
func connect(t *testing.T, base string, cfg anthropic.Config) *anthropic.Client {
	t.Helper()
	cfg.BaseURL = base
	if cfg.Retry.Delay == 0 {
		cfg.Retry = quick
	}
	c, err := anthropic.New(secret, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// handle returns a client of a server that answers every request so.
func handle(t *testing.T, h http.HandlerFunc) *anthropic.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return connect(t, server.URL, anthropic.Config{})
}

// canned serves these bodies by path, and 404 for any other.
func canned(t *testing.T, bodies map[string]string) *anthropic.Client {
	t.Helper()
	return handle(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(body))
	})
}

const batches = "/v1/messages/batches"

var one = sink.Handle{Batch: "b"}

// ended is a batch with so many rows that succeeded, failed, and were canceled.
func ended(succeeded, errored, canceled int) string {
	return fmt.Sprintf(`{"id":"b","processing_status":"ended","results_url":"x","archived_at":null,"request_counts":`+
		`{"processing":0,"succeeded":%d,"errored":%d,"canceled":%d,"expired":0}}`, succeeded, errored, canceled)
}

func spec(tag string) sink.Spec {
	return sink.Spec{Tag: tag, Endpoint: anthropic.MessagesEndpoint, Model: "claude-m"}
}

func rows(bodies ...string) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for i, body := range bodies {
			if !yield(sink.Row{ID: string(rune('a' + i)), Body: []byte(body)}, nil) {
				return
			}
		}
	}
}

func chat(text string) string {
	return `{"model":"claude-m","max_tokens":64,"messages":[{"role":"user","content":"` + text + `"}]}`
}

// outcomes reads the results, and the error at their end.
func outcomes(t *testing.T, c *anthropic.Client) (got []sink.Outcome, last error) {
	t.Helper()
	for o, err := range c.Results(t.Context(), one) {
		if err != nil {
			return got, err
		}
		got = append(got, o)
	}
	return got, nil
}
