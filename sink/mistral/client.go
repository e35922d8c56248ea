package mistral

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// Mistral's documented bounds of one batch. The guide to batches speaks of a
// million rows, and the page of known limitations of 100,000: the smaller one
// holds in either case.
const (
	maxRows  = 100_000
	maxBytes = 512_000_000
	window   = 24 * time.Hour
	enqueued = 1_000_000 // rows of a workspace
)

// Mistral's bounds of Config.Timeout and of Config.InlineRows.
const (
	maxTimeout = 7 * 24 * time.Hour
	maxInline  = 10_000
)

// Config adjusts a Client. Its zero value is Mistral itself.
type Config struct {
	// BaseURL is where the API is, without the version, such as
	// "https://api.mistral.ai". It must be https, or on this machine. Zero
	// means DefaultBaseURL.
	BaseURL string
	// Agent is the id of an agent that answers all batches, in place of their
	// model. Answers are kept by the name of the model, so it should be one
	// that tells the agent. Zero means that the model answers.
	Agent string
	// Timeout is the time within which Mistral ends a batch: 1 hour to 7 days,
	// in whole hours. Rows that have not run by then are submitted again. Zero
	// means 24 hours.
	Timeout time.Duration
	// InlineRows is up to how many rows a batch is sent within its creation, at
	// most 10,000. A larger one is uploaded as a file. Zero means that all are.
	InlineRows int
	// Limits of one batch. Zero fields mean Mistral's: 100,000 rows, 512 MB,
	// the Timeout, and a million rows enqueued.
	Limits sink.Limits
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
}

var _ sink.Provider = (*Client)(nil)

// New returns a client that pays with the key. It makes no call. Its error
// names the field of cfg that makes no sense, and never quotes the key.
func New(key string, cfg Config) (*Client, error) {
	c, err := cfg.connect(key)
	if err != nil {
		return nil, fmt.Errorf("mistral: %w", err)
	}
	return &Client{client: c, cfg: cfg}, nil
}

func (c *Config) connect(key string) (client.Client, error) {
	if err := c.validate(); err != nil {
		return client.Client{}, err
	}
	return client.New(client.Config{
		Provider: "mistral", Grammar: ReadError,
		Header: func(h http.Header) { h.Set("Authorization", "Bearer "+key) },
		Key:    key, BaseURL: cmp.Or(c.BaseURL, DefaultBaseURL), AllowHTTP: c.AllowHTTP, Transport: c.Transport,
		Calls: c.Calls.Or(DefaultCalls()), Retry: c.Retry,
		Limits: c.Limits.Or(sink.Limits{Rows: maxRows, Bytes: maxBytes, Window: c.timeout(), Enqueued: sink.Enqueued{Rows: enqueued}}),
	})
}

func (c *Config) timeout() time.Duration { return cmp.Or(c.Timeout, window) }

func (c *Config) validate() error {
	switch {
	case c.Timeout < 0 || c.Timeout > maxTimeout || c.Timeout%time.Hour != 0:
		return fmt.Errorf("Config.Timeout is %s: must be whole hours, from 1h to %s", c.Timeout, maxTimeout)
	case c.InlineRows < 0 || c.InlineRows > maxInline:
		return fmt.Errorf("Config.InlineRows is %d: must be from 0 to %d", c.InlineRows, maxInline)
	case !client.Sendable(c.Agent):
		return errors.New("Config.Agent has a space, a line break or a character that is not ASCII")
	}
	return nil
}

// Info implements sink.Provider. The origin is the host, and the account the
// host and a digest of the key. The port does not count, so that a proxy may
// move.
func (c *Client) Info() sink.Info {
	return sink.Info{
		Name: "mistral", Origin: c.client.Host(), Account: c.client.Account(), Codec: &c.codec, Strict: true,
		Tags: sink.TagMetadata, Lists: true, Files: true, Clock: true, Attachments: attachments{}, FileStore: store{c},
	}
}

// Limits implements sink.Provider; they are the same for every model.
func (c *Client) Limits(string) sink.Limits { return c.client.Limits() }

// Clock implements sink.Provider.
func (c *Client) Clock() (now time.Time, known bool) { return c.client.Clock() }

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.client.CloseIdle() }
