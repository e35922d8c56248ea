package httpclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/balerhq/baler/retry"
)

// Call is one request.
type Call struct {
	Method string
	Path   string // below the base, with a query if need be
	Effect retry.Effect
	Kind   Kind
	Header http.Header // beside those that every call has, or in their place
	JSON   any         // body; nil for none

	Body        io.ReadCloser // body if JSON is nil
	Size        int64         // of Body, in bytes
	ContentType string        // of Body
	Timeout     time.Duration // of Do, once it is the call's turn; zero means a minute
}

// String is the call without the host and the query, as errors name it. A query
// may hold what opens an upload to anybody.
func (c Call) String() string {
	path, _, _ := strings.Cut(c.Path, "?")
	return c.Method + " " + path
}

func (c Call) timeout() time.Duration {
	if c.Timeout == 0 {
		return callTimeout
	}
	return c.Timeout
}

func (c Call) contentType() string {
	if c.JSON != nil {
		return "application/json"
	}
	return c.ContentType
}

// body is what the call sends, nil for nothing.
func (c Call) body() (body io.ReadCloser, size int64, err error) {
	if c.JSON == nil {
		return c.Body, c.Size, nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err = enc.Encode(c.JSON)
	return io.NopCloser(&buf), int64(buf.Len()), err
}

// source is the body of a request. It keeps the class of what it fails with:
// the transport mixes that with what else ends a call. And it knows how much of
// it has left, at most: what was not read was not sent. So it gives out its last
// bytes only once it has seen that nothing is wrong after them.
type source struct {
	io.ReadCloser

	mu   sync.Mutex
	left int64 // bytes that were announced and not read
	over bool  // nothing more may be read
	err  error // the first that has a class
}

func newSource(body io.ReadCloser, size int64) *source {
	return &source{ReadCloser: body, left: size}
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err == nil && n > 0 && s.isLast(n) {
		err = s.last()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return 0, io.ErrClosedPipe
	}
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0
	}
	s.left -= int64(n)
	if _, ok := errors.AsType[*retry.Error](err); ok && s.err == nil {
		s.err = err
	}
	return n, err
}

// isLast reports whether n more bytes are all that was announced.
func (s *source) isLast(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left == int64(n)
}

// last returns why the body has no proper end, or io.EOF.
func (s *source) last() error {
	var more [1]byte
	n, err := s.ReadCloser.Read(more[:])
	if n > 0 {
		return retry.Mark(errors.New("it is longer than was announced"), retry.Permanent)
	}
	return err
}

// end lets nothing more leave. It reports whether all may have left, and why
// the body could not be read, nil if it could.
func (s *source) end() (whole bool, broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.left <= 0, s.err
}
