// Package gemini is a client of the batches of the Gemini API, and has the
// codec of its generateContent.
//
// The protocol is described at https://ai.google.dev/gemini-api/docs/batch-api
// and https://google.aip.dev/151, as of November 2026. The client uploads a
// JSONL file, creates a batch from it, polls the batch, and downloads its file
// of results. Small batches need no files: see Config.InlineBytes. The API
// sends no headers about its limits.
package gemini

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// The bounds of one batch that https://ai.google.dev/gemini-api/docs/batch-api
// names, as of November 2026. A batch that has not ended after 48 hours
// expires. There is no bound of rows.
const (
	maxBytes = 2_000_000_000
	window   = 48 * time.Hour
	enqueued = 100 // batches
)

// MaxInlineBytes is how large a creation may be that has the rows in it.
const MaxInlineBytes = 20_000_000

// Config adjusts a Client. Its zero value is the Gemini API itself.
type Config struct {
	// BaseURL is where the API is, without the version, such as
	// "https://generativelanguage.googleapis.com". It must be https, or on this
	// machine. Zero means DefaultBaseURL.
	BaseURL string
	// Limits of one batch. Zero fields mean the API's: 2 GB, 48 h, any number
	// of rows, and 100 batches at a time.
	Limits sink.Limits
	// InlineBytes is up to which size, in bytes, a batch is sent in the request
	// that creates it, without a file: at most MaxInlineBytes. Such a batch
	// needs fewer calls and no storage, and its results come in the order of
	// its rows. Zero means that every batch is a file.
	InlineBytes int64
	// Retry is for calls that may be repeated, which Create is not. Zero means
	// the retry.Policy defaults.
	Retry retry.Policy
	// Calls bounds how many calls of each kind begin in a second, so that many
	// open batches do not run the account into its limits. Zero fields mean
	// DefaultCalls.
	Calls sink.Calls
	// AllowHTTP are hosts that may be called without TLS, beside this machine.
	// The key and all requests can then be read by whoever is in between.
	AllowHTTP []string
	// Transport carries the requests. Zero means one that keeps connections
	// alive and refuses link-local addresses.
	Transport http.RoundTripper
}

// Client implements sink.Provider. It is safe for concurrent use.
type Client struct {
	client client.Client
	cfg    Config
	prefix string // the path in BaseURL
	codec  Codec
}

var _ sink.Provider = (*Client)(nil)

// New returns a client that pays with the key. It makes no call. Its error
// names the field of cfg that makes no sense, and never quotes the key.
func New(key string, cfg Config) (*Client, error) {
	c, err := cfg.connect(key)
	if err != nil {
		return nil, fmt.Errorf("gemini: %w", err)
	}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("gemini: Config.BaseURL: %w", err)
	}
	return &Client{client: c, cfg: cfg, prefix: strings.TrimSuffix(u.EscapedPath(), "/")}, nil
}

func (c *Config) connect(key string) (client.Client, error) {
	if c.InlineBytes < 0 || c.InlineBytes > MaxInlineBytes {
		return client.Client{}, fmt.Errorf("Config.InlineBytes is %d: must be from 0 to %d", c.InlineBytes, MaxInlineBytes)
	}
	return client.New(client.Config{
		Provider: "gemini", Grammar: ReadError,
		Header:  func(h http.Header) { h.Set("X-Goog-Api-Key", key) },
		Key:     key,
		BaseURL: cmp.Or(c.BaseURL, DefaultBaseURL), AllowHTTP: c.AllowHTTP, Transport: c.Transport,
		Calls: c.Calls.Or(DefaultCalls()), Retry: c.Retry,
		Limits: c.Limits.Or(sink.Limits{Bytes: maxBytes, Window: window, Enqueued: sink.Enqueued{Batches: enqueued}}),
	})
}

// Info implements sink.Provider. The origin is the host, and the account the
// host and a digest of the key.
func (c *Client) Info() sink.Info {
	return sink.Info{
		Name: "gemini", Origin: c.client.Host(), Account: c.client.Account(), Codec: &c.codec, Strict: true, OneSchema: true,
		Tags: sink.TagName, Lists: true, Files: true, Clock: true, Attachments: attachments{}, PromptCaching: caching{},
		FileStore: store{c},
	}
}

// Limits implements sink.Provider; they are the same for every model.
func (c *Client) Limits(string) sink.Limits { return c.client.Limits() }

// Clock implements sink.Provider.
func (c *Client) Clock() (now time.Time, known bool) { return c.client.Clock() }

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.client.CloseIdle() }
