package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

const canary = "sk-canary/0123+456789=abcdef"

// echo is a proxy that shows the key wherever it can: in headers, in pages of
// its own, in what the provider says of files and batches, and in every row.
type echo struct {
	*httputil.ReverseProxy
	mu     sync.Mutex
	failed map[string]bool
}

func newEcho(t *testing.T, to string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{httputil.NewSingleHostReverseProxy(target), sync.Mutex{}, make(map[string]bool)}
	e.ModifyResponse = e.modify
	proxy := httptest.NewServer(e)
	t.Cleanup(proxy.Close)
	return proxy
}

// ServeHTTP fails the first call of each kind, in one way after the other.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.Method + " " + strings.TrimRight(r.URL.Path, "0123456789abcdef")
	e.mu.Lock()
	n, seen := len(e.failed), e.failed[kind]
	e.failed[kind] = true
	e.mu.Unlock()
	if seen {
		e.ReverseProxy.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Request-Id", canary)
	w.Header().Set("Retry-After-Ms", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, []string{
		`{"error":{"message":"you sent Bearer ` + canary + `","code":"` + canary + `"}}`,
		`<html>Authorization: Bearer ` + canary + `</html>`,
		`{"error":"` + strings.ReplaceAll(canary, "/", `\/`) + `"}`,
		`{"detail":[{"input":"` + url.QueryEscape(canary) + `"}]}`,
	}[n%4])
}

func (e *echo) modify(r *http.Response) error {
	r.Header.Set("X-Request-Id", canary)
	r.Header.Set("Etag", `"`+canary+`"`)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	escaped := strings.ReplaceAll(strings.ReplaceAll(canary, "/", `\/`), "+", `\u002B`)
	for old, echoed := range map[string]string{
		`"metadata":{`:   `"metadata":{"authorization":"` + canary + `",`,
		`"object":`:      `"echo":"` + canary + `","object":`,
		`"content":"`:    `"content":"` + escaped + ` `,
		`"message":"The`: `"message":"` + canary + ` ` + url.QueryEscape(canary) + ` The`,
	} {
		body = bytes.ReplaceAll(body, []byte(old), []byte(echoed))
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// A key that a server echoes is in nothing that is stored or printed.
func TestKeyThatIsEchoedIsStoredNowhere(t *testing.T) {
	t.Parallel()
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	proxy := newEcho(t, server.URL)
	lines := tickets(400)
	lines[7] = `{"id":"bad","text":"[[400]]"}`
	writeFile(t, dir, "in.jsonl", lines...)
	env := []string{keyVariable + "=" + canary}
	r := runCommand(t, dir, env, "run", "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}",
		"--base-url", proxy.URL+"/v1", "--poll", "5ms", "--batch-size", "100", "--verbose")
	if r.code != exitFailed || !r.says("succeeded 399") {
		t.Fatalf("%+v", r)
	}
	if got := readResults(t, filepath.Join(dir, "out.jsonl"))["t-1"]; !strings.HasPrefix(got.Text, "[redacted") {
		t.Errorf("the proxy echoes nothing: %+v", got)
	}
	status := runCommand(t, dir, env, "status", "--json")
	results := runCommand(t, dir, env, "results")
	for name, text := range map[string]string{
		"stdout": r.stdout, "stderr": r.stderr, "status": status.stdout + status.stderr, "results": results.stdout + results.stderr,
	} {
		wantNoCanary(t, name, []byte(text))
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		wantNoCanary(t, path, b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func wantNoCanary(t *testing.T, where string, b []byte) {
	t.Helper()
	for _, part := range []string{canary, "456789=abcdef", "456789%3Dabcdef", `0123\u002`} {
		if i := bytes.Index(b, []byte(part)); i >= 0 {
			t.Errorf("the key is in %s: %q", where, b[max(i-100, 0):min(i+100, len(b))])
		}
	}
}
