package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// airtight is a world in which time is fake, and the provider in memory: the
// store is the real one.
type airtight struct {
	*world
	log      *logbook
	provider *openai.Client
}

// bubble runs a test in such a world. Wrap changes what the client sees of the
// provider; nil changes nothing.
func bubble(t *testing.T, cfg simulator.Config, adjust openai.Config, wrap func(http.RoundTripper) http.RoundTripper, test func(*airtight)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := simulator.StartPipe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		adjust.BaseURL, adjust.Transport = "http://127.0.0.1/v1", server.Client().Transport
		adjust.CallsPerSecond = 1_000_000 // these tests are about other waits
		if wrap != nil {
			adjust.Transport = wrap(adjust.Transport)
		}
		client, err := openai.New("sk-test", adjust)
		if err != nil {
			t.Fatal(err)
		}
		test(&airtight{world: &world{t: t, server: server, dir: t.TempDir()}, log: &logbook{}, provider: client})
	})
}

// job is as patient as jobs are unless told otherwise.
func (w *airtight) job() durable.Job[ticket] {
	return durable.Job[ticket]{
		Name:     "tickets",
		Source:   source.JSONL[ticket](w.path("in.jsonl")),
		Key:      ticket.key,
		Prompt:   ticket.prompt,
		Provider: w.provider,
		Model:    "gpt-test",
		Batch:    accumulator.Config{MaxItems: 100},
		Log:      slog.New(w.log),
	}
}

// logbook counts what is logged, by message.
type logbook struct {
	slog.Handler
	mu   sync.Mutex
	seen map[string]int
}

func (l *logbook) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = make(map[string]int)
	}
	l.seen[r.Message]++
	return nil
}

func (l *logbook) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *logbook) WithGroup(string) slog.Handler      { return l }

// count is how often something was logged that holds the words.
func (l *logbook) count(words string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for message, times := range l.seen {
		if strings.Contains(message, words) {
			n += times
		}
	}
	return n
}

// edit changes what the client reads about a batch.
func edit(change func(id string, batch map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			reply, err := next.RoundTrip(r)
			id, ok := strings.CutPrefix(r.URL.Path, "/v1/batches/")
			if err != nil || !ok || r.Method != http.MethodGet || reply.StatusCode != http.StatusOK {
				return reply, err
			}
			defer reply.Body.Close()
			var batch map[string]any
			if err := json.NewDecoder(reply.Body).Decode(&batch); err != nil {
				return nil, err
			}
			change(id, batch)
			body, err := json.Marshal(batch)
			reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return reply, err
		})
	}
}

// rename calls a status by another name.
func rename(status, name string) func(http.RoundTripper) http.RoundTripper {
	return edit(func(_ string, batch map[string]any) {
		if batch["status"] == status {
			batch["status"] = name
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wantWithin fails unless something took from least to most.
func (w *airtight) wantWithin(start time.Time, least, most time.Duration) {
	w.t.Helper()
	if took := time.Since(start); took < least || took > most {
		w.t.Errorf("it took %s, want %s to %s", took, least, most)
	}
}

// files are the names of the files at the provider.
func (w *airtight) files() (ids []string) {
	w.t.Helper()
	for _, f := range w.list() {
		ids = append(ids, f.ID)
	}
	return ids
}

// remoteFile is a file at the provider.
type remoteFile struct{ ID, Filename, Purpose string }

func (w *airtight) list() []remoteFile {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://127.0.0.1/v1/files", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sk-test")
	reply, err := w.server.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer reply.Body.Close()
	var list struct{ Data []remoteFile }
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil {
		w.t.Fatal(err)
	}
	return list.Data
}

func (w *airtight) setFaults(faults ...simulator.Fault) {
	w.t.Helper()
	if err := w.server.SetFaults(faults...); err != nil {
		w.t.Fatal(err)
	}
}
