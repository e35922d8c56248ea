package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/retry"
)

// minSecret is the shortest credential that is looked for in a reply. A shorter
// one would be found in ordinary words.
const minSecret = 8

// hider finds the credentials in what a server sends, and takes them out. Some
// servers and proxies echo the request: in an error, the metadata of a batch, a
// header, even in the row of a result file, and all of that is stored or
// printed. It is a closure, so that no print of the client shows what it looks
// for.
type hider func() []credential

func newHider(auth func(http.Header)) hider {
	header := make(http.Header)
	auth(header)
	var all []credential
	for name, values := range header {
		for _, value := range values {
			secret := value[strings.LastIndexByte(value, ' ')+1:] // after "Bearer"
			if carriesCredential(name) && len(secret) >= minSecret {
				all = append(all, newCredential(secret))
			}
		}
	}
	return func() []credential { return all }
}

// carriesCredential tells the names under which providers take a key from those
// that say who pays, which is no secret.
func carriesCredential(header string) bool {
	lower := strings.ToLower(header)
	return lower == "authorization" || strings.Contains(lower, "key") || strings.Contains(lower, "token")
}

// reader is r without the credentials, which may stand across reads.
func (h hider) reader(r io.Reader) io.Reader {
	for _, c := range h() {
		r = &hiding{src: r, secret: c}
	}
	return r
}

func (h hider) text(s string) string {
	for _, c := range h() {
		out, rest := c.hide([]byte(s), true)
		s = string(append(out, rest...))
	}
	return s
}

func (h hider) header(header http.Header) {
	for _, values := range header {
		for i := range values {
			values[i] = h.text(values[i])
		}
	}
}

// words is the beginning of an error body.
func (c *Client) words(body io.Reader) []byte {
	text, _ := io.ReadAll(c.hide.reader(io.LimitReader(body, 2*maxError))) // what arrived is enough
	return text[:min(len(text), maxError)]
}

// fit makes an error fit to be printed and stored: net/http quotes what it
// cannot read. That of an ended ctx is its caller's.
func (c *Client) fit(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	text := err.Error()
	hidden := c.hide.text(text)
	line := printable.Line(hidden, 2*maxError)
	switch {
	case hidden != text: // nothing in its chain may be shown
		return retry.Mark(errors.New(line), retry.ClassOf(err))
	case line != text:
		return &fitError{line, err}
	}
	return err
}

// fitError is an error in a text that can be printed.
type fitError struct {
	text string
	err  error
}

func (e *fitError) Error() string { return e.text }
func (e *fitError) Unwrap() error { return e.err }

// hiding is a body without one credential. It passes on what it reads as it is
// read, but for an end that may be the beginning of the credential.
type hiding struct {
	src    io.Reader
	secret credential
	out    []byte // may be passed on
	held   []byte // may not yet
	buf    []byte
	err    error // of src, once all is passed on
}

func (h *hiding) Read(p []byte) (int, error) {
	for len(h.out) == 0 && h.err == nil {
		if len(h.held) == 0 {
			n, err := h.src.Read(p)
			if h.secret.absent(p[:n]) {
				return n, err
			}
			h.take(p[:n], err)
			continue
		}
		if h.buf == nil {
			h.buf = make([]byte, 32<<10)
		}
		n, err := h.src.Read(h.buf)
		h.take(h.buf[:n], err)
	}
	n := copy(p, h.out)
	if h.out = h.out[n:]; len(h.out) > 0 {
		return n, nil
	}
	return n, h.err
}

func (h *hiding) take(b []byte, err error) {
	h.err = err
	h.out, h.held = h.secret.hide(append(h.held, b...), err != nil)
	if err != nil {
		h.out, h.held = append(h.out, h.held...), nil
	}
}
