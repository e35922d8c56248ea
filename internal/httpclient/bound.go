package httpclient

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/balerhq/baler/retry"
)

const (
	maxStream = 64 << 30 // of a reply that is read as a stream
	maxRatio  = 200      // of decompressed to compressed; JSON reaches 50
	freeBytes = 1 << 20  // that any reply may decompress to
)

// errTooLarge is Permanent: the same call brings the same reply.
var errTooLarge = retry.Mark(errors.New("reply is larger than it may be"), retry.Permanent)

// decoded is the body of a reply, decompressed. A few bytes could fill a disk,
// so a body that grows beyond measure ends in an error.
func decoded(reply *http.Response) io.ReadCloser {
	body := wire{reply.Body}
	switch coding := reply.Header.Get("Content-Encoding"); {
	case coding == "", coding == "identity", reply.Uncompressed, reply.ContentLength == 0:
		return body
	case coding == "gzip":
		return &gzipBody{raw: counter{body, 0}}
	default:
		return opaque{body, coding}
	}
}

// wire is a body as it arrives. What breaks it off gets its class here: it may
// be the cause of a done context, and have the class of another call.
type wire struct{ io.ReadCloser }

func (w wire) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err == nil || err == io.EOF { // not Is: a cause may wrap the end of another body
		return n, err
	}
	return n, retry.Transport(retry.EffectIdempotent, true, err)
}

// opaque is a body in an encoding that nobody asked for.
type opaque struct {
	io.Closer
	coding string
}

func (o opaque) Read([]byte) (int, error) {
	return 0, retry.Mark(fmt.Errorf("content encoding %q is not known", o.coding), retry.Permanent)
}

// gzipBody decompresses, no more than maxRatio times what it reads.
type gzipBody struct {
	raw counter
	zip *gzip.Reader // nil before the first read
	n   int64
}

func (b *gzipBody) Read(p []byte) (n int, err error) {
	if b.zip == nil {
		if b.zip, err = gzip.NewReader(&b.raw); err != nil {
			return 0, err
		}
	}
	n, err = b.zip.Read(p)
	if b.n += int64(n); b.n > freeBytes+maxRatio*b.raw.n {
		return 0, errTooLarge
	}
	return n, err
}

func (b *gzipBody) Close() error { return b.raw.Close() }

// counter counts what is read.
type counter struct {
	io.ReadCloser
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}

// limited reads at most left bytes, and unlike io.LimitedReader says so.
type limited struct {
	r    io.Reader
	left int64
}

func atMost(r io.Reader, n int64) *limited { return &limited{r, n} }

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
