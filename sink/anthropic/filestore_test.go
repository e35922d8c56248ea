package anthropic_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/simulator"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A file is stored once though the first reply is lost, and rows may refer to
// it. Betas of the client stay.
func TestFileStore(t *testing.T) {
	server, err := simulator.Start("", simulator.Config{Provider: "anthropic"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	lost, betas := false, make(map[string]string)
	c := connect(t, server.URL, anthropic.Config{Betas: []string{"another"}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		betas[r.Method+" "+r.URL.Path] = r.Header.Get("Anthropic-Beta")
		reply, err := transport.RoundTrip(r)
		if err == nil && r.Method == http.MethodPost && !lost {
			lost = true
			reply.Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
		return reply, err
	})})
	store := c.Info().FileStore
	id, err := store.Put(t.Context(), "A-1.pdf", "application/pdf", []byte("%PDF-1.7"))
	if files := server.Files(); err != nil || !lost || len(files) != 1 || files[0].ID != id {
		t.Fatalf("%q, %v, the provider has %+v", id, err, files)
	}
	if _, err := store.Put(t.Context(), "B-1.png", "image/png", []byte("png")); err != nil {
		t.Fatal(err)
	}
	var names []string
	for f, err := range store.Stored(t.Context(), "A-") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Tag)
	}
	if !slices.Equal(names, []string{"A-1.pdf"}) {
		t.Errorf("stored are %q", names)
	}
	spec := sink.Spec{Tag: "tag", Endpoint: anthropic.MessagesEndpoint, Model: "m"}
	for source, want := range map[string]string{`{"type":"file","file_id":"` + id + `"}`: "files-api-2025-04-14,another", `{"type":"url","url":"https://example.com"}`: "another"} {
		_, err := c.Create(t.Context(), spec, "", func(yield func(sink.Row, error) bool) {
			yield(sink.Row{ID: "a", Body: []byte(`{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":` + source + `}]}]}`)}, nil)
		})
		if got := betas["POST "+batches]; err != nil || got != want {
			t.Errorf("%s: %v, with the betas %q, want %q", source, err, got, want)
		}
	}
	for range 2 {
		if err := store.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if files := server.Files(); len(files) != 2 || !files[0].Deleted {
		t.Errorf("the provider has %+v", files)
	}
	for mediaType, want := range map[string]bool{"application/pdf": true, "image/png": true, "text/plain": true, "image/bmp": false} {
		if store.Takes(mediaType) != want {
			t.Errorf("takes %s: %v", mediaType, !want)
		}
	}
	if !strings.Contains(betas["DELETE /v1/files/"+id], "files-api") {
		t.Errorf("%q", betas)
	}
}

// A server that has no store says so.
func TestFileStoreThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := connect(t, server.URL, anthropic.Config{}).Info().FileStore.Put(t.Context(), "A-1.pdf", "application/pdf", []byte("%PDF-1.7"))
	if !errors.Is(err, errors.ErrUnsupported) || retry.ClassOf(err) != retry.Permanent {
		t.Error(err)
	}
}
