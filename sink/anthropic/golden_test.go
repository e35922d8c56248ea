package anthropic_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/internal/wire/wiretest"
)

// The golden file is what Anthropic's own clients send for the same calls,
// without headers about themselves and the one that asks for JSON: those of
// version 2026-10-21, and the one for Go 1.84.0, which speaks 2023-06-01.
func TestRequestsAreThoseOfTheOfficialClients(t *testing.T) {
	want, err := os.ReadFile("testdata/requests.golden")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, cfg := range []anthropic.Config{
		{Workspace: "wrkspc_1", UserProfile: "profile_1", Betas: []string{"output-300k-2026-03-24", "b"}},
		{Version: anthropic.Version20230601},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			describe(t, &got, r)
			switch r.URL.Path {
			case batches + "/b/results":
				_, _ = io.WriteString(w, `{"custom_id":"a","result":{"type":"succeeded","message":{}}}`+"\n")
			default:
				_, _ = io.WriteString(w, ended(1, 0, 0))
			}
		}))
		everyCall(t, connect(t, server.URL, cfg))
		server.Close()
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// everyCall makes each kind of call once.
func everyCall(t *testing.T, c *anthropic.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Create(t.Context(), spec("in"), "", rows(chat("a"), chat("b")))
	must(err)
	for _, err := range c.Results(t.Context(), one) { // reads the batch first
		must(err)
	}
	must(c.Cancel(t.Context(), one))
	must(c.Check(t.Context()))
	must(c.Remove(t.Context(), one))
}

// describe writes the request without what differs from time to time.
func describe(t *testing.T, w io.Writer, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil || len(r.TransferEncoding) > 0 {
		t.Errorf("%s: %v, transfer encoding %v", r.URL, err, r.TransferEncoding)
	}
	fmt.Fprintf(w, "%s %s\n", r.Method, r.URL)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Anthropic-Beta", "Anthropic-User-Profile-Id", "Anthropic-Version", "Anthropic-Workspace-Id",
		"Authorization", "Content-Type", "X-Api-Key",
	} {
		if value := r.Header.Get(name); value != "" {
			fmt.Fprintf(w, "%s: %s\n", name, strings.Replace(value, secret, "KEY", 1))
		}
	}
	if r.Header.Get("Content-Length") == fmt.Sprint(len(body)) {
		fmt.Fprintln(w, "Content-Length: of the body")
	}
	if len(body) > 0 {
		fmt.Fprintf(w, "%s\n", body)
	}
	fmt.Fprintln(w)
}

// What official clients have sent is what comes out of the same rows.
func TestCreationsAreThoseThatWereRecorded(t *testing.T) {
	recorded := 0
	for _, body := range wiretest.Recordings(t, "requests") {
		var want struct {
			Requests []struct {
				ID     string          `json:"custom_id"`
				Params json.RawMessage `json:"params"`
			} `json:"requests"`
		}
		if json.Unmarshal([]byte(body), &want) != nil || len(want.Requests) == 0 || want.Requests[0].Params == nil {
			continue // of another provider, or without params
		}
		recorded++
		var got []byte
		c := handle(t, func(w http.ResponseWriter, r *http.Request) {
			got, _ = io.ReadAll(r.Body)
			_, _ = io.WriteString(w, `{"id":"b"}`)
		})
		_, err := c.Create(t.Context(), spec("in"), "", func(yield func(sink.Row, error) bool) {
			for _, r := range want.Requests {
				if !yield(sink.Row{ID: r.ID, Body: r.Params}, nil) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(t, []byte(body)), decoded(t, got)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if recorded == 0 {
		t.Error("no creation was recorded")
	}
}

func decoded(t *testing.T, body []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
