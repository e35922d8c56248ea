// Package anthropic is a client of Anthropic's Message Batches. It also has the
// codec of Anthropic's messages, and knows how Anthropic reports errors and
// limits.
//
// The protocol is described at
// https://docs.claude.com/en/api/creating-message-batches,
// https://docs.claude.com/en/api/errors and
// https://docs.claude.com/en/api/rate-limits, as of November 2026. The client
// sends all rows of a batch in the request that creates it, polls the batch,
// and downloads its results.
//
// Anthropic keeps neither a name nor a tag with a batch. One whose creation was
// not answered is found again by its size, its time, and the IDs of the rows in
// its results, which are there once it has ended.
package anthropic

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
)

// Anthropic's documented bounds of one batch: 100,000 requests or 256 MB,
// whichever comes first, see
// https://docs.claude.com/en/docs/build-with-claude/batch-processing.
const (
	maxRows  = 100_000
	maxBytes = 256_000_000
	window   = 24 * time.Hour
	enqueued = 200_000 // rows, at the lowest tier
)

// Config adjusts a Client. Its zero value is Anthropic itself.
type Config struct {
	// BaseURL is where the API is, without the version, such as
	// "https://api.anthropic.com". It must be https, or on this machine. Zero
	// means DefaultBaseURL.
	BaseURL string
	// Version is that of the API: Version20261021, which takes no temperature,
	// top_p and top_k, or Version20230601. Zero means Version20261021.
	Version string
	// Workspace is the ID of the one that the batches belong to, for keys of
	// several. Zero leaves it to the key.
	Workspace string
	// UserProfile is the ID of the one that a batch is created for. Zero means
	// none.
	UserProfile string
	// Betas are the names of beta features that all calls ask for, such as
	// "output-300k-2026-03-24".
	Betas []string
	// Limits of one batch. Zero fields mean Anthropic's: 100,000 rows, 256 MB,
	// 24 h, and 200,000 rows enqueued, which is that of the lowest tier.
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
	codec  Codec
	create http.Header // of creations alone
}

var _ sink.Provider = (*Client)(nil)

// New returns a client that pays with the key. It makes no call. Its error
// names the field of cfg that makes no sense, and never quotes the key.
func New(key string, cfg Config) (*Client, error) {
	c, err := cfg.connect(key)
	if err != nil {
		return nil, fmt.Errorf("anthropic: %w", err)
	}
	return c, nil
}

func (c *Config) connect(key string) (*Client, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	codec, err := NewCodec(c.Version)
	if err != nil {
		return nil, fmt.Errorf("Config.Version: %w", err)
	}
	calls, err := client.New(client.Config{
		Provider: "anthropic", Grammar: ReadError,
		Header: c.header(key), Key: key, Scope: []string{c.Workspace},
		BaseURL: cmp.Or(c.BaseURL, DefaultBaseURL), AllowHTTP: c.AllowHTTP, Transport: c.Transport,
		Calls: c.Calls.Or(DefaultCalls()), Retry: c.Retry,
		Limits: c.Limits.Or(sink.Limits{Rows: maxRows, Bytes: maxBytes, Window: window, Enqueued: sink.Enqueued{Rows: enqueued}}),
	})
	if err != nil {
		return nil, err
	}
	create := make(http.Header)
	setNonEmpty(create, "Anthropic-User-Profile-Id", c.UserProfile)
	return &Client{client: calls, codec: *codec, create: create}, nil
}

func (c *Config) validate() error {
	if !client.Sendable(c.Workspace + c.UserProfile + strings.Join(c.Betas, "")) {
		return errors.New("Config.Workspace, UserProfile or Betas has a space, a line break or a character that is not ASCII")
	}
	return nil
}

// header sets what every call carries. The key goes where the official clients
// of the version put it.
func (c *Config) header(key string) func(http.Header) {
	version, workspace, betas := cmp.Or(c.Version, Version20261021), c.Workspace, slices.Clone(c.Betas)
	return func(h http.Header) {
		if version == Version20230601 {
			h.Set("X-Api-Key", key)
		} else {
			h.Set("Authorization", "Bearer "+key)
		}
		h.Set("Anthropic-Version", version)
		setNonEmpty(h, "Anthropic-Workspace-Id", workspace)
		addBetas(h, betas...)
	}
}

func setNonEmpty(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// DefaultCalls are the calls of a client whose Config says nothing about them.
// Together they stay within the 1,000 calls a minute that Anthropic documents
// for an account that begins, over all batch routes and models.
func DefaultCalls() sink.Calls {
	return sink.Calls{Uploads: 1, Creates: 2, Downloads: 4, Polls: 6, Deletes: 2, Others: 2}
}

// Info implements sink.Provider. The origin is the host, and the account the
// host and a digest of the key and the workspace.
func (c *Client) Info() sink.Info {
	return sink.Info{
		Name: "anthropic", Origin: c.client.Host(), Account: c.client.Account(), Codec: &c.codec, Strict: true,
		Tags: sink.TagNone, Lists: true, Clock: true, Attachments: attachments{}, PromptCaching: caching{}, FileStore: store{c},
	}
}

// Limits implements sink.Provider; they are the same for every model.
func (c *Client) Limits(string) sink.Limits { return c.client.Limits() }

// Clock implements sink.Provider.
func (c *Client) Clock() (now time.Time, known bool) { return c.client.Clock() }

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.client.CloseIdle() }
