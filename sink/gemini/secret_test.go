package gemini_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/gemini"
	"github.com/balerhq/baler/sink/llm"
)

func TestKeyIsInNothingThatIsPrinted(t *testing.T) {
	cfg := gemini.Config{BaseURL: "http://127.0.0.1:1", Retry: quick}
	c, err := gemini.New(secret, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(h).Info("client", "pointer", c, "config", cfg, "group", slog.GroupValue(slog.Any("c", c)))
	}
	encoded, err := json.Marshal(map[string]any{"client": c})
	if err != nil {
		t.Fatal(err)
	}
	_, failed := c.Status(t.Context(), sink.Handle{Batch: "b"})
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", c, c, c, c.Info().Account), fmt.Sprintf("%+v %#v", *c, cfg),
		log.String(), string(encoded), failed.Error(),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the key is in %s", text)
		}
	}
}

// A redirect is followed by no call, and the key is in no address.
func TestKeyGoesToOneHostInOneHeader(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host got %s %s", r.Method, r.URL)
	}))
	t.Cleanup(other.Close)
	c, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Goog-Api-Key") != secret || strings.Contains(r.URL.String(), secret) || r.Header.Get("Authorization") != "" {
			t.Errorf("%s with %v", r.URL, r.Header)
		}
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}), gemini.Config{})
	everyCall(t, c, func(call string, err error) {
		if err == nil {
			t.Errorf("%s followed a redirect", call)
		}
	})
}

// everyCall makes each kind of call once.
func everyCall(t *testing.T, c *gemini.Client, done func(string, error)) {
	t.Helper()
	ctx, h := t.Context(), sink.Handle{Batch: "batches/b1", File: "files/f1"}
	_, upload := c.Upload(ctx, spec("in"), rows(ask("a")))
	done("Upload", upload)
	_, create := c.Create(ctx, spec("in"), "files/f1", nil)
	done("Create", create)
	_, inline := c.Create(ctx, spec("in"), "", rows(ask("a")))
	done("Create inline", inline)
	_, status := c.Status(ctx, h)
	done("Status", status)
	_, results := outcomes(t, c, h.Batch)
	done("Results", results)
	done("Cancel", c.Cancel(ctx, h))
	_, find := c.Find(ctx, "in", time.Time{})
	done("Find", find)
	for _, err := range c.List(ctx, time.Time{}) {
		done("List", err)
	}
	for _, err := range c.Files(ctx) {
		done("Files", err)
	}
	done("Check", c.Check(ctx))
	done("Remove a file", c.Remove(ctx, sink.Handle{File: h.File}))
	done("Remove", c.Remove(ctx, h))
}

func TestAccountTellsPayersApart(t *testing.T) {
	account := func(key, base string) string {
		c, err := gemini.New(key, gemini.Config{BaseURL: base})
		if err != nil {
			t.Fatal(err)
		}
		return c.Info().Account
	}
	if a := account("k1", ""); a == account("k2", "") || a == account("k1", "https://host") || !strings.HasPrefix(a, "gemini:") {
		t.Error(a)
	}
	if account("k1", "https://host:8443/v2") != account("k1", "https://host") {
		t.Error("a port is another account")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const key = "canary"
	for want, test := range map[string]struct {
		key string
		cfg gemini.Config
	}{
		"the key is empty":          {"", gemini.Config{}},
		"the key has":               {key + "\n", gemini.Config{}},
		"Config.InlineBytes is":     {key, gemini.Config{InlineBytes: gemini.MaxInlineBytes + 1}},
		"Policy.Delay is":           {key, gemini.Config{Retry: retry.Policy{Delay: -1}}},
		"must be https":             {key, gemini.Config{BaseURL: "http://host"}},
		"must not hold credentials": {key, gemini.Config{BaseURL: "https://canary@host"}},
		"must not have a query":     {key, gemini.Config{BaseURL: "https://host?key=canary"}},
		"Config.Limits is":          {key, gemini.Config{Limits: sink.Limits{Rows: -1}}},
	} {
		_, err := gemini.New(test.key, test.cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The zero Client has no key: what needs one says so, and the rest works.
func TestAZeroClientNamesItsConstructor(t *testing.T) {
	c := new(gemini.Client)
	everyCall(t, c, func(call string, err error) {
		if err == nil || !strings.Contains(err.Error(), "make it with New") {
			t.Errorf("%s: %v", call, err)
		}
	})
	c.CloseIdle()
	if _, known := c.Clock(); known || c.Info().Origin != "" {
		t.Errorf("it knows the time: %v, and a host: %+v", known, c.Info())
	}
	codec := c.Info().Codec
	if body, err := codec.Encode("m", llm.Ask("hi")); err != nil || !strings.Contains(string(body), "hi") || codec.Endpoint() == "" {
		t.Errorf("%s for %q, %v", body, codec.Endpoint(), err)
	}
}
