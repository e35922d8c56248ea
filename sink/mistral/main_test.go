package mistral_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret   = "mistral-marker-0123456789"
	endpoint = "/v1/chat/completions"
)

// quick repeats calls without much of a wait.
var quick = retry.Policy{Delay: time.Millisecond}

// handle returns a client of a server that is closed with the test.
func handle(t *testing.T, h http.HandlerFunc, cfg mistral.Config) *mistral.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.BaseURL, cfg.Retry = server.URL, quick
	c, err := mistral.New(secret, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// says is a server that answers each path, or method and path, with a text;
// with 404 if there is none.
func says(replies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		reply, ok := replies[r.Method+" "+r.URL.Path]
		if !ok {
			reply, ok = replies[r.URL.Path]
		}
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			reply = `{"detail":"Not found"}`
		}
		_, _ = io.WriteString(w, reply)
	}
}

var one = sink.Handle{Batch: "b1"}

func spec(tag string) sink.Spec {
	return sink.Spec{Tag: tag, Endpoint: endpoint, Model: "mistral-small-latest"}
}

func rows(bodies ...string) sink.Rows {
	return func(yield func(sink.Row, error) bool) {
		for i, body := range bodies {
			if !yield(sink.Row{ID: rowID(i), Body: []byte(body)}, nil) {
				return
			}
		}
	}
}

func rowID(i int) string { return "row-" + string(rune('a'+i)) }

func chat(text string) string { return `{"messages":[{"role":"user","content":"` + text + `"}]}` }
