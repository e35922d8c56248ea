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
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// DefaultBaseURL is OpenAI's own API.
const DefaultBaseURL = "https://api.openai.com/v1"

// OpenAI's documented bounds of one batch.
const (
	maxRows  = 50_000
	maxBytes = 200_000_000
	window   = 24 * time.Hour
)

// OpenAI's bounds of the life of a file.
const (
	minLife = time.Hour
	maxLife = 30 * 24 * time.Hour
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
	// OutputLife is for how long OpenAI keeps the results of a batch, counted
	// from the creation of the result file: 1 hour to 30 days. Zero leaves it
	// to OpenAI, which keeps them for 30 days. A run that fetches them later
	// has lost them.
	OutputLife time.Duration
	// Endpoint that chats are written for: "/v1/chat/completions" or
	// "/v1/responses". Zero means "/v1/chat/completions".
	Endpoint string
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
	codec  Codec

	files   *knownFiles
	endings *endings
	echoes  *atomic.Bool // the server has shown metadata of ours, so it keeps them
}

var _ sink.Provider = (*Client)(nil)

// New returns a client that pays with the key. It makes no call. Its error
// names the field of cfg that makes no sense, and never quotes the key.
func New(key string, cfg Config) (*Client, error) {
	c, err := cfg.connect(key)
	if err != nil {
		return nil, fmt.Errorf("openai: %w", err)
	}
	return &Client{client: c, cfg: cfg, codec: Codec{cfg.Endpoint}, files: new(knownFiles), endings: newEndings(), echoes: new(atomic.Bool)}, nil
}

func (c *Config) connect(key string) (client.Client, error) {
	if err := c.validate(); err != nil {
		return client.Client{}, err
	}
	return client.New(client.Config{
		Provider: "openai", Grammar: ReadError,
		Header: func(h http.Header) {
			h.Set("Authorization", "Bearer "+key)
			setNonEmpty(h, "OpenAI-Organization", c.Organization)
			setNonEmpty(h, "OpenAI-Project", c.Project)
		},
		Key: key, Scope: []string{c.Organization, c.Project},
		BaseURL: cmp.Or(c.BaseURL, DefaultBaseURL), AllowHTTP: c.AllowHTTP, Transport: c.Transport,
		Calls: c.Calls.Or(DefaultCalls()), Retry: c.Retry,
		Limits: c.Limits.Or(sink.Limits{Rows: maxRows, Bytes: maxBytes, Window: window}),
	})
}

func (c *Config) validate() error {
	if !client.Sendable(c.Organization + c.Project) {
		return errors.New("Config.Organization or Project has a space, a line break or a character that is not ASCII")
	}
	if c.OutputLife != 0 && (c.OutputLife < minLife || c.OutputLife > maxLife) {
		return fmt.Errorf("Config.OutputLife is %s: must be from %s to %s", c.OutputLife, minLife, maxLife)
	}
	if !hasChats(c.Endpoint) {
		return fmt.Errorf("Config.Endpoint is %q: must be %s or %s", c.Endpoint, chatEndpoint, responsesEndpoint)
	}
	return nil
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
		Name: "openai", Origin: c.client.Host(), Account: c.client.Account(), Codec: &c.codec,
		Tags: sink.TagMetadata, PartialResults: true, Lists: true, Files: true, Clock: true, Attachments: attachments{c.client.Host()},
		PromptCaching: caching{c.client.Host()}, FileStore: store{c},
	}
}

// Limits implements sink.Provider; they are the same for every model.
func (c *Client) Limits(string) sink.Limits { return c.client.Limits() }

// Clock implements sink.Provider.
func (c *Client) Clock() (now time.Time, known bool) { return c.client.Clock() }

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.client.CloseIdle() }
