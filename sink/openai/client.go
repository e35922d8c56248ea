// Package openai is a client of OpenAI's files and batches API, and of the
// servers that speak it.
//
// The protocol is described at
// https://platform.openai.com/docs/api-reference/batch and in the published
// OpenAPI description, as of August 2026. The client uploads a JSONL file,
// creates a batch from it, polls the batch, and downloads its output and error
// file.
package openai

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// DefaultBaseURL is OpenAI's own API.
const DefaultBaseURL = "https://api.openai.com/v1"

// OpenAI's documented bounds of one batch.
const (
	maxRows  = 50_000
	maxBytes = 200_000_000
	window   = 24 * time.Hour
)

// Config adjusts a Client. Its zero value is OpenAI itself.
type Config struct {
	// BaseURL is where the API is, up to and with the version, such as
	// "https://api.openai.com/v1". It must be https, or on this machine. Zero
	// means DefaultBaseURL.
	BaseURL string
	// Organization and Project choose who is billed, for keys of several. Zero
	// leaves it to the key.
	Organization, Project string
	// Limits of one batch. Zero fields mean OpenAI's: 50,000 rows, 200 MB, 24
	// h.
	Limits sink.Limits
	// Endpoint that Encode writes chats for: "/v1/chat/completions" or
	// "/v1/responses". Zero means "/v1/chat/completions".
	Endpoint string
	// Retry is for calls that may be repeated, which Create is not. Zero means
	// the retry.Policy defaults.
	Retry retry.Policy
	// Calls bounds how many calls of each kind begin in a second, so that many
	// open batches do not run the account into its limits.
	Calls Calls
	// CallsPerSecond is for each kind that Calls says nothing about. Zero means
	// the defaults of Calls.
	CallsPerSecond int
	// Transport carries the requests. Zero means one that keeps connections
	// alive and refuses link-local addresses.
	Transport http.RoundTripper
}

// Client implements sink.Provider and llm.Codec. It is safe for concurrent use.
type Client struct {
	api     *httpclient.Client
	account string
	cfg     Config

	files  *knownFiles
	echoes *atomic.Bool // the server has shown metadata of ours, so it keeps them
}

var (
	_ sink.Provider = (*Client)(nil)
	_ llm.Codec     = (*Client)(nil)
)

// New returns a client that pays with the key. It makes no call. Its error
// names the field of cfg that makes no sense, and never quotes the key.
func New(key string, cfg Config) (*Client, error) {
	cfg.Endpoint = cmp.Or(cfg.Endpoint, chatEndpoint)
	if err := cfg.validate(key); err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	auth := func(h http.Header) {
		h.Set("Authorization", "Bearer "+key)
		setNonEmpty(h, "OpenAI-Organization", cfg.Organization)
		setNonEmpty(h, "OpenAI-Project", cfg.Project)
	}
	pace := cfg.Calls.pace(cfg.CallsPerSecond)
	api, err := httpclient.New(cmp.Or(cfg.BaseURL, DefaultBaseURL), auth, ReadError, pace, cfg.Transport)
	if err != nil {
		return nil, fmt.Errorf("openai: Config.BaseURL: %w", err)
	}
	digest := sha256.Sum256([]byte("baler account\x00" + key + "\x00" + cfg.Organization + "\x00" + cfg.Project))
	return &Client{api: api, cfg: cfg, files: new(knownFiles), echoes: new(atomic.Bool), account: "openai:" + api.Host() + ":" + hex.EncodeToString(digest[:8])}, nil
}

func (c Config) validate(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case strings.ContainsFunc(key+c.Organization+c.Project, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the key, organization or project has a space, a line break or a character that is not ASCII")
	case c.Endpoint != chatEndpoint && c.Endpoint != responsesEndpoint:
		return fmt.Errorf("Config.Endpoint is %q: must be %s or %s", c.Endpoint, chatEndpoint, responsesEndpoint)
	case c.CallsPerSecond < 0:
		return fmt.Errorf("Config.CallsPerSecond is %d: must not be negative", c.CallsPerSecond)
	case c.Calls.least() < 0:
		return fmt.Errorf("Config.Calls is %+v: must not be negative", c.Calls)
	case min(int64(c.Limits.Rows), c.Limits.Bytes, int64(c.Limits.Window)) < 0:
		return fmt.Errorf("Config.Limits is %+v: must not be negative", c.Limits)
	}
	return c.Retry.Validate()
}

func setNonEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// Info implements sink.Provider. The origin is the host, and the account the
// host and a digest of the key. The port does not count, so that a proxy may
// move. Servers that speak OpenAI's protocol may lose the metadata of a batch:
// see Find.
func (c *Client) Info() sink.Info {
	return sink.Info{
		Name: "openai", Origin: c.api.Host(), Account: c.account, Codec: c,
		Tags: sink.TagMetadata, PartialResults: true, Lists: true, Files: true, Clock: true,
	}
}

// Limits implements sink.Provider; they are the same for every model.
func (c *Client) Limits(string) sink.Limits {
	return sink.Limits{
		Rows:   cmp.Or(c.cfg.Limits.Rows, maxRows),
		Bytes:  cmp.Or(c.cfg.Limits.Bytes, maxBytes),
		Window: cmp.Or(c.cfg.Limits.Window, window),
	}
}

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.api.CloseIdle() }

// do makes a call that may be repeated.
func (c *Client) do(ctx context.Context, call httpclient.Call, into any) error {
	return c.cfg.Retry.Do(ctx, func(ctx context.Context) error { return c.api.Do(ctx, call, into) })
}
