// Package client is the frame that the clients of all providers share: what
// their configurations have in common, who pays, calls that are repeated, and
// what the errors of a call mean.
package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Config is what the client of a provider is made of: what the provider is, and
// then what its user wants.
type Config struct {
	Provider string            // its name, with which the account begins
	Header   func(http.Header) // sets the credentials, from a closure
	Grammar  retry.Grammar

	Key       string
	Scope     []string // what decides beside the key who pays
	BaseURL   string
	AllowHTTP []string // hosts that need not be https
	Calls     sink.Calls
	Limits    sink.Limits
	Retry     retry.Policy
	Transport http.RoundTripper
}

// Client makes the calls of one account. It is safe for concurrent use. The
// calls of the zero Client fail.
type Client struct {
	api     *httpclient.Client
	account string
	limits  sink.Limits
	retry   retry.Policy
}

// New returns a Client. It makes no call. Its error names the field of the
// provider's Config that makes no sense, and never quotes the key.
func New(c Config) (Client, error) {
	if err := c.validate(); err != nil {
		return Client{}, err
	}
	api, err := httpclient.New(httpclient.Config{
		Base: c.BaseURL, AllowHTTP: c.AllowHTTP, Auth: c.Header, Grammar: c.Grammar, Pace: pace(c.Calls), Transport: c.Transport,
	})
	if err != nil {
		return Client{}, fmt.Errorf("Config.BaseURL: %w", err)
	}
	digest := sha256.Sum256([]byte(strings.Join(append([]string{"baler account", c.Key}, c.Scope...), "\x00")))
	account := c.Provider + ":" + api.Host() + ":" + hex.EncodeToString(digest[:8])
	return Client{api: api, account: account, limits: c.Limits, retry: c.Retry}, nil
}

func (c *Config) validate() error {
	switch {
	case c.Key == "":
		return errors.New("the key is empty")
	case !Sendable(c.Key):
		return errors.New("the key has a space, a line break or a character that is not ASCII")
	case least(c.Calls) < 0:
		return fmt.Errorf("Config.Calls is %+v: must not be negative", c.Calls)
	case min(int64(c.Limits.Rows), c.Limits.Bytes, int64(c.Limits.Window)) < 0:
		return fmt.Errorf("Config.Limits is %+v: must not be negative", c.Limits)
	}
	return c.Retry.Validate()
}

// Sendable reports whether a text can be sent in a header.
func Sendable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func least(c sink.Calls) int {
	return min(c.Uploads, c.Creates, c.Downloads, c.Polls, c.Deletes, c.Others)
}

func pace(c sink.Calls) httpclient.Pace {
	return httpclient.Pace{
		httpclient.Upload: c.Uploads, httpclient.Create: c.Creates, httpclient.Download: c.Downloads,
		httpclient.Poll: c.Polls, httpclient.Delete: c.Deletes, httpclient.Other: c.Others,
	}
}

// Account identifies who pays: by the host, and a digest of the key. The port
// does not count, so that a proxy may move.
func (c *Client) Account() string { return c.account }

// Host is the host that is called, "" for the zero Client.
func (c *Client) Host() string { return c.api.Host() }

// Limits are those of one batch.
func (c *Client) Limits() sink.Limits { return c.limits }

// Clock is the provider's time, see sink.Provider.
func (c *Client) Clock() (now time.Time, known bool) { return c.api.Now() }

// Age is for how long something exists that was created then, by the provider's
// clock. It is 0 if that is not known.
func (c *Client) Age(created time.Time) time.Duration {
	now, known := c.api.Now()
	if !known || created.IsZero() {
		return 0
	}
	return max(now.Sub(created), 0)
}

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.api.CloseIdle() }

// Once makes a call and decodes the reply into into, unless that is nil.
func (c *Client) Once(ctx context.Context, call httpclient.Call, into any) error {
	return c.api.Do(ctx, call, into)
}

// Do makes a call that may be repeated.
func (c *Client) Do(ctx context.Context, call httpclient.Call, into any) error {
	return c.retry.Do(ctx, func(ctx context.Context) error { return c.api.Do(ctx, call, into) })
}

// Stream makes a call for a large reply.
func (c *Client) Stream(ctx context.Context, call httpclient.Call) (*httpclient.Reply, error) {
	return c.api.Stream(ctx, call)
}

// Repeat calls f as often as the policy for retries has it.
func (c *Client) Repeat(ctx context.Context, f func(context.Context) error) error {
	return c.retry.Do(ctx, f)
}
