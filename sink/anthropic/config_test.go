package anthropic_test

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
	"github.com/balerhq/baler/sink/anthropic"
	"github.com/balerhq/baler/sink/llm"
)

func TestKeyIsInNothingThatIsPrinted(t *testing.T) {
	for _, version := range []string{anthropic.Version20261021, anthropic.Version20230601} {
		cfg := anthropic.Config{BaseURL: "http://127.0.0.1:1", Version: version, Workspace: "wrkspc_1", Retry: quick}
		c, err := anthropic.New(secret, cfg)
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
}

func TestAccountTellsPayersApart(t *testing.T) {
	account := func(key string, cfg anthropic.Config) string {
		c, err := anthropic.New(key, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c.Info().Account
	}
	seen := make(map[string]bool)
	for _, a := range []string{
		account("sk-1", anthropic.Config{}), account("sk-2", anthropic.Config{}),
		account("sk-1", anthropic.Config{Workspace: "w"}), account("sk-1", anthropic.Config{BaseURL: "https://host"}),
	} {
		if seen[a] {
			t.Errorf("two payers are %s", a)
		}
		seen[a] = true
	}
	for _, same := range []anthropic.Config{
		{BaseURL: "https://host:8443"}, {BaseURL: "https://host", Version: anthropic.Version20230601}, {BaseURL: "https://host", UserProfile: "u"},
	} {
		if !seen[account("sk-1", same)] {
			t.Errorf("another account: %+v", same)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const key = "sk-canary"
	for want, test := range map[string]struct {
		key string
		cfg anthropic.Config
	}{
		"the key is empty":  {"", anthropic.Config{}},
		"the key has":       {key + "\n", anthropic.Config{}},
		"that is not ASCII": {key + "…", anthropic.Config{}},
		"Config.Workspace, UserProfile or Betas has": {key, anthropic.Config{Workspace: "a\r\nX-Evil: 1"}},
		"UserProfile or Betas has":                   {key, anthropic.Config{UserProfile: "a b"}},
		"or Betas has":                               {key, anthropic.Config{Betas: []string{"a", "b\n"}}},
		"must be 2026-10-21 or":                      {key, anthropic.Config{Version: "2024-01-01"}},
		"Policy.Delay is":                            {key, anthropic.Config{Retry: retry.Policy{Delay: -1}}},
		"must be https":                              {key, anthropic.Config{BaseURL: "http://host"}},
		"must not hold credentials":                  {key, anthropic.Config{BaseURL: "https://canary@host"}},
		"Config.Limits is":                           {key, anthropic.Config{Limits: sink.Limits{Rows: -1}}},
	} {
		_, err := anthropic.New(test.key, test.cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The zero Client has no key: what needs one says so, and the rest works.
func TestAZeroClientNamesItsConstructor(t *testing.T) {
	c := new(anthropic.Client)
	ctx, h := t.Context(), sink.Handle{Batch: "b"}
	_, upload := c.Upload(ctx, spec("t"), rows())
	_, create := c.Create(ctx, spec("t"), "", rows())
	_, status := c.Status(ctx, h)
	errs := map[string]error{
		"Check": c.Check(ctx), "Upload": upload, "Create": create, "Status": status, "Cancel": c.Cancel(ctx, h), "Remove": c.Remove(ctx, h),
	}
	for _, errs["Results"] = range c.Results(ctx, h) {
		break
	}
	for _, errs["List"] = range c.List(ctx, time.Now()) {
		break
	}
	for method, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "make it with New") {
			t.Errorf("%s: %v", method, err)
		}
	}
	c.CloseIdle()
	if _, known := c.Clock(); known || c.Info().Origin != "" {
		t.Errorf("it knows the time: %v, and a host: %+v", known, c.Info())
	}
	codec := c.Info().Codec
	if body, err := codec.Encode("m", llm.Ask("hi")); err != nil || !strings.Contains(string(body), "hi") || codec.Endpoint() == "" {
		t.Errorf("%s for %q, %v", body, codec.Endpoint(), err)
	}
}
