package gemini_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "AIza-marker-0123456789"

// quick repeats calls without much of a wait.
var quick = retry.Policy{Delay: time.Millisecond}

// connect returns a client of a server at base that is closed with the test.
func connect(t *testing.T, base string, cfg gemini.Config) *gemini.Client {
	t.Helper()
	cfg.BaseURL = base
	if cfg.Retry.Delay == 0 {
		cfg.Retry = quick
	}
	c, err := gemini.New(secret, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// answers are replies by method and path, such as "GET /v1beta/batches/b". A
// reply that begins with three digits has that status.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply, isKnown := a[r.Method+" "+r.URL.Path]
	if !isKnown {
		reply = `404{"error":{"code":404,"message":"no such thing","status":"NOT_FOUND"}}`
	}
	if len(reply) > 3 && reply[0] >= '3' && reply[0] <= '5' && reply[3] == '{' {
		status := map[string]int{"400": 400, "403": 403, "404": 404, "429": 429, "413": 413, "503": 503}[reply[:3]]
		w.WriteHeader(status)
		reply = reply[3:]
	}
	_, _ = io.WriteString(w, reply)
}

// serve returns a client of a server, and its URL.
func serve(t *testing.T, h http.Handler, cfg gemini.Config) (*gemini.Client, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return connect(t, server.URL, cfg), server.URL
}

func spec(tag string) sink.Spec {
	return sink.Spec{Tag: tag, Endpoint: gemini.ContentEndpoint, Model: "m"}
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

func ask(text string) string {
	return `{"contents":[{"parts":[{"text":"` + text + `"}],"role":"user"}]}`
}

// outcomes reads the results in order, and the error that ends them.
func outcomes(t *testing.T, c *gemini.Client, batch string) (got []sink.Outcome, err error) {
	t.Helper()
	for o, err := range c.Results(t.Context(), sink.Handle{Batch: batch}) {
		if err != nil {
			return got, err
		}
		got = append(got, o)
	}
	return got, nil
}

// names are the outcomes as "id:code" or "line:code".
func names(got []sink.Outcome) string {
	var all []string
	for _, o := range got {
		name := o.ID
		if name == "" {
			name = "#" + string(rune('0'+o.Line))
		}
		if o.Err != nil {
			name += ":" + o.Err.Code
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}
