package intercept

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/balerhq/baler/sink/catalog"
)

// RoundTrip implements [http.RoundTripper]. A call that becomes a row waits
// until that is settled. The http.Client must have no Timeout.
func (i *Interceptor) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, scoped := scopeOf(r.Context()); !scoped && !i.cfg.All {
		return i.pass(r)
	}
	c, restored, err := i.recognize(r, homeAt(r.URL, r.Header), r.URL)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if err := i.planPass(restored, r.URL.Path); err != nil {
			if restored.Body != nil {
				_ = restored.Body.Close()
			}
			return nil, err
		}
		return i.pass(restored)
	}
	a, err := i.wait(r.Context(), c, i.begin(r.Context(), c))
	if stopped, is := errors.AsType[*StoppedError](err); is {
		a, err = answerTo(c.provider, stopped), nil
	}
	if err != nil {
		return nil, err
	}
	return c.response(r, &a), nil
}

// pass carries a call as it is.
func (i *Interceptor) pass(r *http.Request) (*http.Response, error) {
	i.counts.passed.Add(1)
	out := r.Clone(r.Context())
	out.Header = stripped(r.Header)
	return i.cfg.Base.RoundTrip(out)
}

// recognize reads a call, whose URL at its service is u. If it is no call that
// becomes a row, it is nil, and the request comes back with its body.
func (i *Interceptor) recognize(r *http.Request, to home, u *url.URL) (*call, *http.Request, error) {
	provider := to.provider
	t, ok := recognize(provider, r.Method, u, r.Header)
	if !ok || r.Body == nil || r.ContentLength > maxBody {
		return nil, r, nil
	}
	o, _ := scopeOf(r.Context())
	o, err := o.withHeader(r.Header, time.Now())
	if err != nil {
		_ = r.Body.Close()
		return nil, r, &RefusedError{err}
	}
	key := keyOf(provider, u, r.Header)
	if o.live || key == "" {
		return nil, r, nil
	}
	version, ok := versionOf(provider, r.Header)
	if !ok {
		return nil, r, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		_ = r.Body.Close()
		return nil, r, err
	}
	c := &call{
		target: t, options: o, key: func() string { return key }, version: version, manner: manner{provider: provider},
	}
	if to.hasOrganizations() {
		c.organization, c.project = r.Header.Get("Openai-Organization"), r.Header.Get("Openai-Project")
	}
	err = errNoRow
	if len(body) <= maxBody && c.read(body) == nil {
		err = i.admit(c)
	}
	if err == nil && i.goesLive(r.Context(), c) {
		i.counts.live.Add(1)
		err = errNoRow
	}
	if errors.Is(err, errNoRow) {
		restored := r.Clone(r.Context())
		restored.Body = rest{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
		return nil, restored, nil
	}
	_ = r.Body.Close()
	return c, r, err
}

// admit finds the account of a call. One that batches do not take is errNoRow:
// the provider may take it, or says better what is wrong.
func (i *Interceptor) admit(c *call) (err error) {
	if c.account, err = i.account(c); err != nil {
		return err
	}
	if c.account.check(c) != nil {
		return errNoRow
	}
	return nil
}

// rest is a body of which a part was read.
type rest struct {
	io.Reader
	io.Closer
}

// versionOf returns the version of the API that a call wants. It is false for
// one of which the client knows nothing.
func versionOf(provider string, h http.Header) (version string, ok bool) {
	p, _ := catalog.Find(provider)
	if len(p.Versions) == 0 {
		return "", true
	}
	version = h.Get("Anthropic-Version")
	return version, slices.Contains(p.Versions, version)
}

// response returns an answer as a response to the request.
func (c *call) response(r *http.Request, a *Answer) *http.Response {
	kind := c.manner.shape(a)
	h, body := a.header(c.provider), a.Body
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return &http.Response{
		Status: strconv.Itoa(a.Status) + " " + http.StatusText(a.Status), StatusCode: a.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
