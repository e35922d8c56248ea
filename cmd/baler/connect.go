package main

import (
	"cmp"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/live"
)

// connections are the clients of a run's routes.
type connections struct {
	options *options
	known   map[account]sink.Provider
	open    []io.Closer
	keyless bool // no call is made
}

func newConnections(o *options, keyless bool) *connections {
	return &connections{options: o, known: make(map[account]sink.Provider), keyless: keyless}
}

// account is what routes share a client for.
type account struct{ provider, key, baseURL string }

// of returns the client of a route.
func (c *connections) of(r *route) (sink.Provider, error) {
	key := r.secret()
	if c.keyless {
		key = cmp.Or(key, "none")
	}
	a := account{r.provider, key, cmp.Or(r.baseURL, c.options.baseURL, os.Getenv(r.entry.BaseURLVariable))}
	if r.live && !c.keyless {
		return c.ofLive(r, a)
	}
	if client, ok := c.known[a]; ok {
		return client, nil
	}
	client, err := r.entry.Connect(a.key, c.options.config(&r.entry, a.baseURL))
	if err != nil {
		return nil, usage("route %q: %w", r.name, err)
	}
	c.known[a] = client
	return client, nil
}

// ofLive returns the client of a live route, which has a limiter of its own.
func (c *connections) ofLive(r *route, a account) (sink.Provider, error) {
	rate := ratelimit.Config{Slots: r.parallel, Timeout: r.timeout, Requests: r.perMinute, InputTokens: r.tokens} // per minute
	p, err := r.entry.ConnectLive(a.key, c.options.config(&r.entry, a.baseURL), live.Config{
		Dir:  filepath.Join(c.options.state, "live", url.PathEscape(c.options.name), url.PathEscape(r.name)),
		Rate: rate,
	})
	if err != nil {
		return nil, usage("route %q: %w", r.name, err)
	}
	c.open = append(c.open, p)
	return p, nil
}

func (c *connections) close() error {
	var errs []error
	for _, open := range c.open {
		errs = append(errs, open.Close())
	}
	return errors.Join(errs...)
}
