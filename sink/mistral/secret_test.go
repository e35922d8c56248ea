package mistral_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/mistral"
)

func TestKeyIsInNothingThatIsPrinted(t *testing.T) {
	cfg := mistral.Config{BaseURL: "http://127.0.0.1:1", Agent: "ag:1", Retry: quick}
	c, err := mistral.New(secret, cfg)
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
	_, failed := c.Status(t.Context(), one)
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
	account := func(key string, cfg mistral.Config) string {
		c, err := mistral.New(key, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c.Info().Account
	}
	seen := make(map[string]bool)
	for _, a := range []string{
		account("k1", mistral.Config{}), account("k2", mistral.Config{}), account("k1", mistral.Config{BaseURL: "https://host"}),
	} {
		if seen[a] || !strings.HasPrefix(a, "mistral:") {
			t.Errorf("two payers are %s", a)
		}
		seen[a] = true
	}
	if !seen[account("k1", mistral.Config{BaseURL: "https://host:8443/proxy"})] {
		t.Error("a port is another account")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const key = "canary"
	for want, test := range map[string]struct {
		key string
		cfg mistral.Config
	}{
		"the key is empty":          {"", mistral.Config{}},
		"the key has":               {key + "\n", mistral.Config{}},
		"Config.Agent has":          {key, mistral.Config{Agent: "a b"}},
		"Config.Timeout is 1h30m":   {key, mistral.Config{Timeout: 90 * time.Minute}},
		"Config.Timeout is 169h":    {key, mistral.Config{Timeout: 169 * time.Hour}},
		"Config.Timeout is -1h":     {key, mistral.Config{Timeout: -time.Hour}},
		"Config.InlineRows is 1000": {key, mistral.Config{InlineRows: 10_001}},
		"Config.InlineRows is -1":   {key, mistral.Config{InlineRows: -1}},
		"Policy.Delay is":           {key, mistral.Config{Retry: retry.Policy{Delay: -1}}},
		"must be https":             {key, mistral.Config{BaseURL: "http://host"}},
		"must not hold credentials": {key, mistral.Config{BaseURL: "https://canary@host"}},
		"Config.Limits is":          {key, mistral.Config{Limits: sink.Limits{Rows: -1}}},
		"Config.Calls is":           {key, mistral.Config{Calls: sink.Calls{Polls: -1}}},
	} {
		_, err := mistral.New(test.key, test.cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTheWindowIsTheTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 24 * time.Hour, 48 * time.Hour: 48 * time.Hour} {
		c, err := mistral.New("k", mistral.Config{Timeout: timeout})
		if err != nil {
			t.Fatal(err)
		}
		if l := c.Limits("m"); l.Window != want || l.Rows != 100_000 || l.Bytes != 512_000_000 {
			t.Errorf("%s: %+v", timeout, l)
		}
	}
}
