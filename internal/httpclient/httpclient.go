// Package httpclient makes the HTTP calls of the provider clients. It sends the
// key only to the host that it is meant for, bounds and classifies the replies,
// and never retries a call by itself.
package httpclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/balerhq/baler/internal/crashpoint"
	"github.com/balerhq/baler/retry"
)

const (
	callTimeout = time.Minute // of a call with a small body and a small reply
	maxReply    = 32 << 20    // of a reply that is read as a whole
	maxError    = 4 << 10     // of an error body: it may quote what was sent
)

// Client calls one API. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	auth    func(http.Header)
	grammar retry.Grammar
	hide    hider
	turns   turns
	http    *http.Client
	clock   *clock
}

// Config is what a Client is made of.
type Config struct {
	// Base is the address of the API. One that is not https is refused unless
	// it is on this machine, or its host is among AllowHTTP; so is one with
	// credentials or a query.
	Base      string
	AllowHTTP []string
	// Auth sets the credentials of each request, from a closure, so that no
	// field can print them. They are found in nothing that a server sends: see
	// [hider].
	Auth func(http.Header)
	// Grammar reads the error replies of the API.
	Grammar retry.Grammar
	// Pace is kept for each kind of call apart: the account's other limits are
	// for whoever makes them.
	Pace Pace
	// Transport of nil is one that refuses link-local addresses.
	Transport http.RoundTripper
}

// New returns a client.
func New(c Config) (*Client, error) {
	u, err := parseBase(c.Base, c.AllowHTTP)
	if err != nil {
		return nil, err
	}
	transport := c.Transport
	if transport == nil {
		transport = NewTransport()
	}
	return &Client{clock: new(clock), base: u, auth: c.Auth, grammar: c.Grammar, hide: newHider(c.Auth), turns: c.Pace.turns(), http: &http.Client{
		Transport: transport,
		// Go would forward every credential header but Authorization.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Host is the host the client calls, without the port.
func (c *Client) Host() string {
	if c == nil {
		return ""
	}
	return c.base.Hostname()
}

// errZero is the error of a provider's client that has no Client of this
// package.
var errZero = retry.Mark(errors.New("the client is a zero value: make it with New"), retry.Permanent)

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() {
	if c != nil {
		c.http.CloseIdleConnections()
	}
}

// Do makes the call and decodes the JSON of the reply into into, unless that is
// nil. A reply that cannot be read or decoded leaves it open what happened.
//
// It is bounded: by its timeout, and if it has a Body, by a minute in which
// next to nothing of that leaves.
func (c *Client) Do(ctx context.Context, call Call, into any) error {
	if c == nil {
		return errZero
	}
	if err := c.turns.await(ctx, call); err != nil {
		return err
	}
	timed, cancel := context.WithTimeout(ctx, call.timeout())
	defer cancel()
	watched, stop := call.watch(timed)
	defer stop()
	return c.fit(ctx, c.exchange(watched, call, into))
}

func (c *Client) exchange(ctx context.Context, call Call, into any) error {
	reply, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer reply.Close()
	body, err := io.ReadAll(c.hide.reader(atMost(reply, maxReply)))
	if err == nil && into != nil {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return unread(call.Effect, fmt.Errorf("%s: read reply: %w", call, err))
	}
	return nil
}

// unread is the error of a call that was answered, but not so that it can be
// understood. Whatever class the error has, a Create may have happened.
func unread(effect retry.Effect, err error) error {
	if effect == retry.EffectCreate {
		return retry.Mark(err, retry.Ambiguous)
	}
	return classified(err)
}

// classified is the error of a reply that was read in vain. One that has a
// class got it here, from wire or from those who bound and decode the body.
func classified(err error) error {
	if _, ok := errors.AsType[*retry.Error](err); ok {
		return err
	}
	return retry.Transport(retry.EffectIdempotent, true, err)
}

// Reply is a large reply, which its reader closes.
type Reply struct {
	io.ReadCloser // decoded
	Status        int
	Header        http.Header
}

// Stream makes a call for a large reply, which the caller closes. It fails, as
// do the reads, if nothing, or next to nothing, arrives for a minute.
func (c *Client) Stream(ctx context.Context, call Call) (*Reply, error) {
	if c == nil {
		return nil, errZero
	}
	if err := c.turns.await(ctx, call); err != nil {
		return nil, err
	}
	watched, cancel := context.WithCancelCause(ctx)
	p := newPatience(cancel)
	p.resume()
	reply, err := c.send(watched, call)
	p.pause(0)
	if err != nil {
		cancel(nil)
		return nil, c.fit(ctx, err)
	}
	patient := &receiving{atMost(reply.ReadCloser, maxStream), p}
	reply.ReadCloser = &stream{
		body: reply.ReadCloser, hidden: c.hide.reader(patient), cancel: cancel,
		fit: func(err error) error { return c.fit(ctx, err) },
	}
	return reply, nil
}

// send returns a reply of status 2xx, or an error with a class.
func (c *Client) send(ctx context.Context, call Call) (*Reply, error) {
	reply, err := c.reply(ctx, call)
	if err != nil || reply.Status/100 == 2 {
		return reply, err
	}
	defer reply.Close()
	return nil, fmt.Errorf("%s: %w", call, c.grammar(call.Effect, reply.Status, reply.Header, c.words(reply)))
}

// reply returns a reply of any status, or an error with a class.
func (c *Client) reply(ctx context.Context, call Call) (*Reply, error) {
	ctx, sent := retry.Watch(ctx)
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, retry.Mark(fmt.Errorf("%s: %w", call, err), retry.Permanent)
	}
	reply, err := c.do(req)
	if err != nil {
		return nil, failed(call, sent.Bool(), req, unquoted(err))
	}
	c.clock.note(reply.Header)
	body := decoded(reply)
	c.hide.header(reply.Header)
	return &Reply{body, reply.StatusCode, reply.Header}, nil
}

// unquoted is an error without the URL: the method and the path are said beside
// it, and the query need not be.
func unquoted(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// failed is the error of a request that was not answered: that of its body, if
// that could not be read. A request whose body did not leave as a whole cannot
// have made anything: the server was told how long it is, and it has no end.
func failed(call Call, sent bool, req *http.Request, err error) error {
	whole := true
	if body, ok := req.Body.(*source); ok {
		var broken error
		whole, broken = body.end()
		if broken != nil && (call.Effect != retry.EffectCreate || !whole) {
			return fmt.Errorf("%s: read what is to be sent: %w", call, broken)
		}
	}
	if sent && !whole && call.Effect == retry.EffectCreate {
		err, sent = fmt.Errorf("%w: %w", retry.ErrCutShort, err), false
	}
	return retry.Transport(call.Effect, sent, fmt.Errorf("%s: %w", call, err))
}

// do sends a request. Those that change something are worth a crash.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet {
		return c.http.Do(req)
	}
	crashpoint.Here("before a request that changes something")
	reply, err := c.http.Do(req)
	crashpoint.Here("after a request that changes something")
	return reply, err
}

// request is the call as it is sent. GetBody stays nil: nothing may send a body
// twice.
func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	body, size, err := call.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, c.base.String()+call.Path, nil)
	if err != nil {
		return nil, unquoted(err)
	}
	if body != nil {
		req.Body, req.ContentLength = newSource(body, size), size
		req.Header.Set("Content-Type", call.contentType())
	}
	req.Header.Set("User-Agent", "baler")
	req.Header.Set("Accept-Encoding", "gzip") // decoded here, where it can be bounded
	maps.Copy(req.Header, call.Header)
	c.auth(req.Header)
	return req, nil
}
