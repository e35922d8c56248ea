package openai_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
)

func TestKeyIsInNothingThatIsPrinted(t *testing.T) {
	cfg := openai.Config{BaseURL: "http://127.0.0.1:1/v1", Organization: "org", Retry: quick}
	c, err := openai.New(secret, cfg)
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

func TestAccountTellsPayersApart(t *testing.T) {
	account := func(key string, cfg openai.Config) string {
		c, err := openai.New(key, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c.Info().Account
	}
	seen := make(map[string]bool)
	for _, a := range []string{
		account("sk-1", openai.Config{}), account("sk-2", openai.Config{}),
		account("sk-1", openai.Config{Organization: "o"}), account("sk-1", openai.Config{Project: "o"}),
		account("sk-1", openai.Config{BaseURL: "https://host/v1"}),
	} {
		if seen[a] {
			t.Errorf("two payers are %s", a)
		}
		seen[a] = true
	}
	if !seen[account("sk-1", openai.Config{BaseURL: "https://host:8443/v2"})] {
		t.Error("a port is another account")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const key = "sk-canary"
	for want, test := range map[string]struct {
		key string
		cfg openai.Config
	}{
		"the key is empty":            {"", openai.Config{}},
		"the key has":                 {key + "\n", openai.Config{}},
		"that is not ASCII":           {key + "…", openai.Config{}},
		"Organization or Project has": {key, openai.Config{Organization: "a\r\nX-Evil: 1"}},
		"Config.Endpoint is":          {key, openai.Config{Endpoint: "/v1/embeddings"}},
		"Policy.Delay is":             {key, openai.Config{Retry: retry.Policy{Delay: -1}}},
		"must be https":               {key, openai.Config{BaseURL: "http://host/v1"}},
		"must not hold credentials":   {key, openai.Config{BaseURL: "https://canary@host/v1"}},
		"Config.Limits is":            {key, openai.Config{Limits: sink.Limits{Rows: -1}}},
	} {
		_, err := openai.New(test.key, test.cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
