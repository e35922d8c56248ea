package interop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/interop/play"
	"github.com/balerhq/baler/interop/recorded"
	"github.com/balerhq/baler/sink"
	claude "github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/mistral"
	baler "github.com/balerhq/baler/sink/openai"
)

// batch is what a client of ours sends as a batch: what the scripts of the
// official clients send, so that the two can be compared.
type batch struct {
	provider, variant string
	connect           func(url string) (sink.Provider, error)
	spec              sink.Spec
	rows              []sink.Row
	live              string // the body of a live call, "" for none
}

const (
	chat    = `"messages":[{"role":"user","content":"PROMPT"}]`
	openai4 = `{"model":"gpt-4.1-mini",` + chat + `}`
	claude5 = `{"model":"claude-haiku-5-5","max_tokens":64,` + chat + `}`
	gemini3 = `{"contents":[{"role":"user","parts":[{"text":"PROMPT"}]}]}`
)

// rows makes rows of pairs of an id and a prompt.
func rows(body string, pairs ...string) (rows []sink.Row) {
	for i := 0; i < len(pairs); i += 2 {
		rows = append(rows, sink.Row{ID: pairs[i], Body: []byte(ask(body, pairs[i+1]))})
	}
	return rows
}

func ask(body, prompt string) string { return strings.Replace(body, "PROMPT", prompt, 1) }

const (
	twice  = "I was charged twice"
	failed = "Please [[500]] here"
)

func anthropics(variant, version string, rows []sink.Row, live string) batch {
	return batch{
		provider: "anthropic", variant: variant, rows: rows, live: live,
		spec: sink.Spec{Tag: "interop", Endpoint: claude.MessagesEndpoint, Model: "claude-haiku-5-5"},
		connect: func(url string) (sink.Provider, error) {
			return claude.New("sk-interop", claude.Config{BaseURL: url + "/anthropic", Version: version})
		},
	}
}

func geminis(variant string, inline int64, endpoint, model string, rows []sink.Row, live string) batch {
	return batch{
		provider: "gemini", variant: variant, rows: rows, live: live,
		spec: sink.Spec{Tag: "interop", Endpoint: endpoint, Model: model},
		connect: func(url string) (sink.Provider, error) {
			return gemini.New("sk-interop", gemini.Config{BaseURL: url + "/gemini", InlineBytes: inline})
		},
	}
}

func mistrals(variant string, inline int) batch {
	return batch{
		provider: "mistral", variant: variant,
		rows: rows("{"+chat+"}", "row-a", twice, "row-b", failed), live: `{"model":"mistral-small-latest","stream":false,` + ask(chat, twice) + `}`,
		spec: sink.Spec{Tag: "in", Endpoint: "/v1/chat/completions", Model: "mistral-small-latest"},
		connect: func(url string) (sink.Provider, error) {
			return mistral.New("sk-interop", mistral.Config{BaseURL: url + "/mistral", InlineRows: inline})
		},
	}
}

func openais(variant string, life time.Duration) batch {
	return batch{
		provider: "openai", variant: variant, live: ask(openai4, twice),
		rows: rows(openai4, "a", twice, "b", failed, "c", "Größe passt nicht 👟", "d", "please [[refuse]]"),
		spec: sink.Spec{Tag: "in", Endpoint: "/v1/chat/completions", Model: "gpt-4.1-mini"},
		connect: func(url string) (sink.Provider, error) {
			return baler.New("sk-interop", baler.Config{BaseURL: url + "/openai/v1", OutputLife: life})
		},
	}
}

var sampled = `{"model":"claude-haiku-5-5","max_tokens":64,"temperature":0.5,` + chat + `}`

var batches = []batch{
	anthropics("2026-10-21", claude.Version20261021, rows(claude5, "row-a", twice, "row-b", failed), ask(claude5, twice)),
	anthropics("2023-06-01", claude.Version20230601, rows(sampled, "row-a", "hello"), strings.Replace(ask(sampled, "hello"), "0.5", "1", 1)),
	geminis("file", 0, gemini.ContentEndpoint, "gemini-3.5-flash", rows(gemini3, "row-a", twice, "row-b", failed), ask(gemini3, twice)),
	geminis("inline", gemini.MaxInlineBytes, gemini.ContentEndpoint, "gemini-3.5-flash", rows(gemini3, "row-a", twice, "row-b", failed), ""),
	geminis("embeddings", 0, gemini.EmbedEndpoint, "gemini-embedding-001",
		rows(`{"content":{"role":"user","parts":[{"text":"PROMPT"}]},"outputDimensionality":8}`, "row-a", "one"), ""),
	mistrals("file", 0),
	mistrals("inline", 10),
	openais("default", 0),
	openais("expiry", 24*time.Hour),
}

// requests returns what the client sends from the first call of a batch to the
// last: the batch ends, is read, found, listed and removed, and another one is
// cancelled.
func (b batch) requests(t *testing.T) []recorded.Request {
	t.Helper()
	stage, err := play.Start(t.Context(), b.provider)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stage.Close(); err != nil {
			t.Error(err)
		}
	}()
	begin := time.Now()
	client, handle := b.create(t, stage.Quick.URL)
	b.await(t, client, handle)
	for _, err := range client.Results(t.Context(), handle) {
		b.done(t, "results", err)
	}
	_, err = client.Find(t.Context(), b.spec.Tag, begin)
	b.done(t, "find", err)
	for _, err := range client.List(t.Context(), begin) {
		b.done(t, "list", err)
	}
	for _, err := range client.Files(t.Context()) {
		b.done(t, "files", err)
	}
	b.done(t, "check", client.Check(t.Context()))
	b.done(t, "remove", client.Remove(t.Context(), handle))
	if b.live != "" {
		b.ask(t, client)
	}

	client, handle = b.create(t, stage.Slow.URL)
	b.done(t, "cancel", client.Cancel(t.Context(), handle))
	b.await(t, client, handle)
	return stage.Requests()
}

// done fails unless the operation succeeded, or is none of the provider's.
func (b batch) done(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("%s %s: %s: %v", b.provider, b.variant, what, err)
	}
}

func (b batch) create(t *testing.T, url string) (sink.Provider, sink.Handle) {
	t.Helper()
	client, err := b.connect(url)
	b.done(t, "connect", err)
	all := func(yield func(sink.Row, error) bool) {
		for _, row := range b.rows {
			if !yield(row, nil) {
				return
			}
		}
	}
	file, err := client.Upload(t.Context(), b.spec, all)
	b.done(t, "upload", err)
	id, err := client.Create(t.Context(), b.spec, file, all)
	b.done(t, "create", err)
	return client, sink.Handle{Batch: id, File: file}
}

func (b batch) await(t *testing.T, client sink.Provider, handle sink.Handle) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		status, err := client.Status(t.Context(), handle)
		b.done(t, "status", err)
		if status.Ended {
			return
		}
		<-ticker.C
	}
}

func (b batch) ask(t *testing.T, client sink.Provider) {
	t.Helper()
	caller, can := client.(interface {
		Call(ctx context.Context, call sink.LiveCall) (sink.LiveReply, error)
	})
	if !can {
		t.Fatalf("%s makes no live calls", b.provider)
	}
	reply, err := caller.Call(t.Context(), sink.LiveCall{Endpoint: b.spec.Endpoint, Model: b.spec.Model, Body: []byte(b.live)})
	if b.done(t, "live call", err); reply.Status != 200 {
		t.Errorf("%s: live call: %d %s", b.provider, reply.Status, reply.Body)
	}
}
