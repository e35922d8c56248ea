package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInterruptedAndRunAgainAndOnceMore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")

	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	err := run(ctx, "tickets.jsonl", dir, cancelAt(&out, "2 batches bought", cancel))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v\n%s", err, &out)
	}

	out.Reset()
	if err := run(t.Context(), "tickets.jsonl", dir, &out); err != nil {
		t.Fatal(err)
	}
	const done = "976 tickets, 24 sent twice and asked once: 976 succeeded, 0 failed, in 5 batches"
	if !strings.Contains(out.String(), done) {
		t.Errorf("run again:\n%s", &out)
	}

	out.Reset()
	if err := run(t.Context(), "tickets.jsonl", dir, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), done) || !strings.Contains(out.String(), "976 answers were there") {
		t.Errorf("once more:\n%s", &out)
	}
}

// writer calls cancel when it has seen a text.
type writer struct {
	*bytes.Buffer
	text   string
	cancel func()
}

func cancelAt(w *bytes.Buffer, text string, cancel func()) *writer { return &writer{w, text, cancel} }

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.cancel()
	}
	return n, err
}
