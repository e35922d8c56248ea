package openai_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func storedNames(t *testing.T, store sink.FileStore, prefix string) (names []string) {
	t.Helper()
	for f, err := range store.Stored(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Tag)
	}
	slices.Sort(names)
	return names
}

// A file is stored, listed among its like alone, and deleted.
func TestFileStore(t *testing.T) {
	server, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c, err := openai.New(secret, openai.Config{BaseURL: server.URL + "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	store := c.Info().FileStore
	id, err := store.Put(t.Context(), "A-1.pdf", "application/pdf", []byte("%PDF-1.7 one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), `B "2".png`, "image/png", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Upload(t.Context(), sink.Spec{Tag: "A-tag", Endpoint: "/v1/chat/completions", Model: "m"}, func(yield func(sink.Row, error) bool) {
		yield(sink.Row{ID: "a", Body: []byte(`{}`)}, nil)
	}); err != nil {
		t.Fatal(err)
	}
	if got := storedNames(t, store, "A-"); !slices.Equal(got, []string{"A-1.pdf"}) {
		t.Errorf("stored are %q", got)
	}
	for range 2 {
		if err := store.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if got := storedNames(t, store, ""); !slices.Equal(got, []string{`B "2".png`}) {
		t.Errorf("stored are %q", got)
	}
	if files := server.Files(); len(files) != 3 || !files[0].Deleted || files[0].Purpose != "user_data" || files[0].Bytes != 12 {
		t.Errorf("the provider has %+v", files)
	}
}

// A repetition finds what an attempt has stored that was not answered.
func TestFileStorePutsOnce(t *testing.T) {
	server, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	lost := false
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := openai.New(secret, openai.Config{
		BaseURL: server.URL + "/v1", Retry: retry.Policy{Delay: 1, MaxDelay: 1},
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			reply, err := transport.RoundTrip(r)
			if err == nil && r.Method == http.MethodPost && !lost {
				lost = true
				reply.Body.Close()
				return nil, io.ErrUnexpectedEOF
			}
			return reply, err
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Info().FileStore.Put(t.Context(), "A-1.pdf", "application/pdf", bytes.Repeat([]byte("x"), 1<<20))
	if files := server.Files(); err != nil || !lost || len(files) != 1 || files[0].ID != id {
		t.Errorf("%q, %v, the provider has %+v", id, err, files)
	}
}

// Chat completions refer to documents alone, responses also to images.
func TestFileStoreTakes(t *testing.T) {
	for endpoint, want := range map[string]string{"/v1/chat/completions": "application/pdf", "/v1/responses": "application/pdf image/png"} {
		c, err := openai.New(secret, openai.Config{Endpoint: endpoint})
		if err != nil {
			t.Fatal(err)
		}
		var takes []string
		for _, mediaType := range []string{"application/pdf", "image/png", "text/plain"} {
			if c.Info().FileStore.Takes(mediaType) {
				takes = append(takes, mediaType)
			}
		}
		if got := strings.Join(takes, " "); got != want {
			t.Errorf("%s takes %q, want %q", endpoint, got, want)
		}
	}
}

// A server that has no store says so, whatever it says about the way.
func TestFileStoreThatIsNotThere(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		c, err := openai.New(secret, openai.Config{BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdle)
		_, err = c.Info().FileStore.Put(t.Context(), "A-1.pdf", "application/pdf", []byte("%PDF-1.7"))
		if !errors.Is(err, errors.ErrUnsupported) || retry.ClassOf(err) != retry.Permanent {
			t.Errorf("%d: %v", status, err)
		}
	}
}
