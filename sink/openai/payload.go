package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// AppendRow appends a row as a line of the file of a batch.
func AppendRow(dst []byte, endpoint string, row sink.Row) ([]byte, error) {
	dst, err := appendRowHead(dst, endpoint, row)
	if err != nil {
		return dst, err
	}
	return append(append(dst, row.Body...), rowEnd...), nil
}

// appendRowHead appends the line of a row up to its body, which rowEnd follows.
func appendRowHead(dst []byte, endpoint string, row sink.Row) ([]byte, error) {
	if bytes.IndexByte(row.Body, '\n') >= 0 {
		return dst, fmt.Errorf("row %s: body is not on one line", row.ID)
	}
	dst = append(dst, `{"custom_id":`...)
	dst = appendString(dst, row.ID)
	dst = append(dst, `,"method":"POST","url":`...)
	dst = appendString(dst, endpoint)
	return append(dst, `,"body":`...), nil
}

const rowEnd = "}\n"

// appendString quotes s, at once if it needs no escapes.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) //nolint:errchkjson // a string cannot fail
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// payload reads head, the rows as lines, and tail. The transport may close it
// while it reads, so both take the lock.
type payload struct {
	mu       sync.Mutex
	next     func() (sink.Row, error, bool)
	stop     func()
	endpoint string
	tail     string
	buf      []byte // encoded and not yet read is buf[at:]
	at       int
	body     []byte // of the last row in buf, and not yet read; it is followed by rowEnd
	err      error
}

const payloadChunk = 128 << 10

func newPayload(head, tail, endpoint string, rows sink.Rows) *payload {
	next, stop := iter.Pull2(rows)
	return &payload{next: next, stop: stop, endpoint: endpoint, tail: tail, buf: []byte(head)}
}

func (p *payload) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at == len(p.buf) && len(p.body) > 0 {
		return p.readBody(b), nil
	}
	if p.at == len(p.buf) {
		if p.err != nil {
			return 0, p.err
		}
		p.buf, p.at = p.buf[:0], 0
		p.fill()
	}
	n := copy(b, p.buf[p.at:])
	p.at += n
	return n, nil
}

// readBody reads a large body, which is not copied to buf.
func (p *payload) readBody(b []byte) int {
	n := copy(b, p.body)
	if p.body = p.body[n:]; len(p.body) == 0 {
		p.body = nil
		p.buf, p.at = append(p.buf[:0], rowEnd...), 0
	}
	return n
}

func (p *payload) fill() {
	for len(p.buf) < payloadChunk && p.body == nil {
		row, err, ok := p.next()
		switch {
		case !ok:
			p.buf, p.err = append(p.buf, p.tail...), io.EOF
			return
		case err == nil && len(row.Body) >= payloadChunk:
			p.buf, err = appendRowHead(p.buf, p.endpoint, row)
			p.body = row.Body // valid until the next row is asked for
		case err == nil:
			p.buf, err = AppendRow(p.buf, p.endpoint, row)
		}
		if err != nil {
			p.err = retry.Mark(err, retry.Permanent) // no fault of the call, so no use in repeating it
			return
		}
	}
}

func (p *payload) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	p.at, p.buf, p.body, p.err = 0, nil, nil, io.ErrClosedPipe
	return nil
}
