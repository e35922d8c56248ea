package catalog_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/catalog"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/simulator"
)

// keyIsNotKept runs a job at a server that shows the key wherever it can, and
// turns the first call of each kind away.
func keyIsNotKept(t *testing.T, p *catalog.Provider) string {
	t.Helper()
	g := newGateway(t, p, simulator.Config{})
	g.rewrite = func(h http.Header, body []byte) []byte {
		h.Set("X-Request-Id", secret)
		h.Set("Request-Id", secret)
		return echoing(body)
	}
	front := &refusingFirst{next: g, seen: make(map[string]bool)}
	g.set(-1, front.ServeHTTP)

	dir := t.TempDir()
	var logged syncBuffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	report, err := run(t, p, dir, g.connectPatient(p), log, 20)
	if err != nil || report.Succeeded != 20 {
		t.Fatalf("%+v, %v", report, err)
	}
	wantNoSecret(t, "the report", fmt.Sprintf("%+v", report))
	wantNoSecret(t, "the log", logged.String())
	files, redacted := 0, false
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		wantNoSecret(t, path, string(b))
		files, redacted = files+1, redacted || bytes.Contains(b, []byte("[redacted"))
		return err
	})
	if err != nil || files < 5 || !redacted {
		t.Errorf("%d files, and the server echoes: %v; %v", files, redacted, err)
	}
	return ""
}

// echoing is an answer with the key in each of its objects, and in the texts of
// the model.
func echoing(body []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(body) {
		if rest, isObject := bytes.CutPrefix(line, []byte("{")); isObject && !bytes.HasPrefix(rest, []byte("}")) {
			out.WriteString(`{"echo":{"authorization":"Bearer ` + secret + `"},`)
			line = rest
		}
		out.Write(line)
	}
	escaped := strings.ReplaceAll(strings.ReplaceAll(secret, "/", `\/`), "+", `\u002B`)
	answer := out.Bytes()
	for _, text := range []string{`"content":"`, `"text":"`} {
		answer = bytes.ReplaceAll(answer, []byte(text), []byte(text+escaped+" "+url.QueryEscape(secret)+" "))
	}
	return answer
}

// refusingFirst turns the first request of each kind away, in one way after the
// other.
type refusingFirst struct {
	next *gateway
	mu   sync.Mutex
	seen map[string]bool
}

func (f *refusingFirst) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.Method + " " + strings.TrimRight(r.URL.Path, "0123456789abcdefghijklmnopqrstuvwxyz-_")
	f.mu.Lock()
	n, seen := len(f.seen), f.seen[kind]
	f.seen[kind] = true
	f.mu.Unlock()
	if seen {
		f.next.pass(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("X-Request-Id", secret)
	w.Header().Set("Retry-After-Ms", "1")
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = io.WriteString(w, []string{
		`{"error":{"message":"you sent Bearer ` + secret + `","code":"` + secret + `"}}`,
		`<html>Authorization: Bearer ` + secret + `</html>`,
		`{"error":"` + strings.ReplaceAll(secret, "/", `\/`) + `"}`,
		`{"detail":[{"input":"` + url.QueryEscape(secret) + `"}]}`,
	}[n%4])
}

// connectPatient makes a client of the gateway that repeats calls, soon.
func (g *gateway) connectPatient(p *catalog.Provider) sink.Provider {
	g.t.Helper()
	client, err := p.Connect(secret, catalog.Config{
		BaseURL: g.url + g.base, Calls: sink.EvenCalls(1_000_000), Retry: retry.Policy{Delay: time.Millisecond, MaxDelay: 10 * time.Millisecond},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return client
}

// run runs a job of so many rows in a directory.
func run(t *testing.T, p *catalog.Provider, dir string, client sink.Provider, log *slog.Logger, rows int) (durable.Report, error) {
	t.Helper()
	job, done := jobIn(t, p, dir, client, log, rows)
	defer done()
	job.Poll, job.Grace = time.Millisecond, 50*time.Millisecond
	return durable.Run(t.Context(), job)
}

// jobIn returns a job of so many rows, whose output is out.jsonl. Another one
// in the same directory goes on with it.
func jobIn(t *testing.T, p *catalog.Provider, dir string, client sink.Provider, log *slog.Logger, rows int) (durable.Job[source.Row], func()) {
	t.Helper()
	in := filepath.Join(dir, "in.jsonl")
	if _, err := os.Stat(in); err != nil {
		var lines strings.Builder
		for i := range rows {
			fmt.Fprintf(&lines, "{\"id\":\"r-%d\",\"text\":\"row number %d\"}\n", i, i)
		}
		if err := os.WriteFile(in, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	states, err := durable.Open(filepath.Join(dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := durable.Lines(filepath.Join(dir, "out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return durable.Job[source.Row]{
		Name: "rows", Source: source.Rows(in), Key: func(r source.Row) string { return fmt.Sprint("r-", r.Line-1) },
		Prompt:   func(r source.Row) (llm.Chat, error) { return llm.Ask(string(r.JSON)), nil },
		Provider: client, Model: p.Models[0] + "x", Batch: durable.BatchLimits{MaxItems: 100, MaxWait: time.Hour},
		Dir: states.With(state.Config{Log: slog.New(slog.DiscardHandler)}), Output: out, Log: log,
	}, func() { _ = out.Close() }
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
