package anthropic_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/sink/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const batches = "/v1/messages/batches"

// client is a plain client of Anthropic's wire protocol.
type client struct {
	t      *testing.T
	http   *http.Client
	base   string
	header http.Header
}

// start serves a simulator in memory, for tests in a synctest bubble.
func start(t *testing.T, cfg simulator.Config) (*simulator.Server, client) {
	t.Helper()
	cfg.Provider = "anthropic"
	srv, err := simulator.StartPipe(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return srv, client{t, srv.Client(), srv.URL, http.Header{"X-Api-Key": {"sk-one"}, "Anthropic-Version": {"2026-10-21"}}}
}

// with returns the same client with another header.
func (c client) with(name, value string) client {
	c.header = c.header.Clone()
	c.header.Del(name)
	if value != "" {
		c.header.Set(name, value)
	}
	return c
}

// do sends a request and returns the reply.
func (c client) do(method, path, body string) (status int, header http.Header, reply string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(data)
}

// want is do for a reply of this status, which is decoded.
func (c client) want(status int, method, path, body string) map[string]any {
	c.t.Helper()
	got, _, reply := c.do(method, path, body)
	var v map[string]any
	if err := json.Unmarshal([]byte(reply), &v); err != nil || got != status {
		c.t.Fatalf("%s %s: %d %s, %v, want %d", method, path, got, reply, err, status)
	}
	return v
}

// create creates a batch of these requests and returns its name.
func (c client) create(requests ...string) string {
	c.t.Helper()
	id, _ := c.want(200, "POST", batches, `{"requests":[`+strings.Join(requests, ",")+`]}`)["id"].(string)
	return id
}

// results reads the results of a batch by the ids of the rows.
func (c client) results(id string) map[string]string {
	c.t.Helper()
	status, _, reply := c.do("GET", batches+"/"+id+"/results", "")
	if status != 200 {
		c.t.Fatalf("results: %d %s", status, reply)
	}
	got := make(map[string]string)
	for line := range strings.Lines(reply) {
		var row struct {
			ID     string          `json:"custom_id"`
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
		got[row.ID] = string(row.Result)
	}
	return got
}

func request(id, params string) string { return `{"custom_id":"` + id + `","params":` + params + `}` }

func params(text string, more ...string) string {
	return `{"model":"claude-m","max_tokens":64,"messages":[{"role":"user","content":"` + text + `"}]` + strings.Join(append([]string{""}, more...), ",") + `}`
}

// pass lets fake time pass and everything that is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
