// Package httpclient makes the HTTP calls of the provider clients: it sends
// the key to the one host it is meant for, classifies what comes back, and
// never repeats a call by itself.
package httpclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/balerhq/baler/retry"
)

const (
	callTimeout = time.Minute // of a call with a small body and a small reply
	idleTimeout = time.Minute // without a byte of a large reply
	maxReply    = 32 << 20    // of a reply that is read as a whole
	maxError    = 4 << 10     // of an error body: it may quote what was sent
)

// Client calls one API.
type Client struct {
	base *url.URL
	auth func(http.Header)
	http *http.Client
}

// New returns a client of the API at base. auth sets the credentials of each
// request, from a closure, so that no field can print them. A base that is not
// https is refused unless it is on this machine; so is one with credentials or
// a query. transport may be nil.
func New(base string, auth func(http.Header), transport http.RoundTripper) (*Client, error) {
	u, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = newTransport()
	}
	return &Client{base: u, auth: auth, http: &http.Client{
		Transport: transport,
		// Go would forward every credential header but Authorization.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func parseBase(base string) (*url.URL, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return nil, errors.New("base URL cannot be parsed") // url.Error would quote a password
	case u.User != nil:
		return nil, errors.New("base URL must not hold credentials")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("base URL of %s must not have a query or a fragment", u.Host)
	case u.Host == "":
		return nil, fmt.Errorf("base URL %q must look like https://host/path", base)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		u.Path = strings.TrimSuffix(u.Path, "/")
		return u, nil
	}
	return nil, fmt.Errorf("base URL %q must be https (http only on this machine)", base)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newTransport refuses link-local addresses at the dial, when the name has
// been resolved: that is where clouds keep their metadata.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			host, _, err := net.SplitHostPort(address)
			if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsLinkLocalUnicast() {
				return fmt.Errorf("address %s is link-local: refused", host)
			}
			return nil
		}}
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // documented type
	t.DialContext = dialer.DialContext
	t.ResponseHeaderTimeout = 2 * time.Minute
	return t
}

// Host is the host the client calls, without the port.
func (c *Client) Host() string { return c.base.Hostname() }

// CloseIdle closes connections that are not in use.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// Call is one request.
type Call struct {
	Method string
	Path   string // below the base, with a query if need be
	Effect retry.Effect
	JSON   any // body; nil for none

	Body        io.Reader // body if JSON is nil
	Size        int64     // of Body
	ContentType string    // of Body
	Timeout     time.Duration
}

// Do makes the call and decodes the reply into into, unless that is nil.
func (c *Client) Do(ctx context.Context, call Call, into any) error {
	timeout := call.Timeout
	if timeout == 0 {
		timeout = callTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply))
	if err != nil {
		return retry.Transport(call.Effect, true, fmt.Errorf("%s %s: read reply: %w", call.Method, call.Path, err))
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return retry.Transport(call.Effect, true, fmt.Errorf("%s %s: reply is not what it should be: %w", call.Method, call.Path, err))
	}
	return nil
}

// Stream makes a call for a large reply, which the caller closes. Its reads
// fail if nothing arrives for a minute.
func (c *Client) Stream(ctx context.Context, call Call) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	reply, err := c.send(ctx, call)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	return newIdleReader(reply.Body, cancel), nil
}

// send returns a reply of status 2xx, or an error with a class.
func (c *Client) send(ctx context.Context, call Call) (*http.Response, error) {
	ctx, sent := retry.Watch(ctx)
	req, err := c.request(ctx, call)
	if err != nil {
		return nil, retry.Mark(fmt.Errorf("%s %s: %w", call.Method, call.Path, err), retry.Permanent)
	}
	reply, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the method and the path are said below, the full URL need not be
		}
		return nil, retry.Transport(call.Effect, sent.Bool(), fmt.Errorf("%s %s: %w", call.Method, call.Path, err))
	}
	if reply.StatusCode/100 == 2 {
		return reply, nil
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(reply.Body, maxError)) //nolint:errcheck // what arrived is enough
	return nil, fmt.Errorf("%s %s: %w", call.Method, call.Path,
		retry.HTTP(call.Effect, reply.StatusCode, reply.Header, body))
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	if call.JSON != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(call.JSON); err != nil {
			return nil, err
		}
		call.Body, call.Size, call.ContentType = &buf, int64(buf.Len()), "application/json"
	}
	// GetBody stays nil: nothing may send a body twice.
	req, err := http.NewRequestWithContext(ctx, call.Method, c.base.String()+call.Path, nil)
	if err != nil {
		return nil, err
	}
	if call.Body != nil {
		req.Body, req.ContentLength = io.NopCloser(call.Body), call.Size
		if rc, ok := call.Body.(io.ReadCloser); ok {
			req.Body = rc
		}
		req.Header.Set("Content-Type", call.ContentType)
	}
	req.Header.Set("User-Agent", "baler")
	c.auth(req.Header)
	return req, nil
}
