package payload

import (
	"io"
	"iter"
	"sync"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// reader reads before, the rows, and after. The transport may close it
// while it reads, so both take the lock.
type reader struct {
	mu     sync.Mutex
	next   func() (sink.Row, error, bool)
	stop   func()
	format *Format
	after  string
	rows   int    // so far
	buf    []byte // encoded and not yet read is buf[at:]
	at     int
	body   []byte // of the last row in buf, and not yet read; its tail follows it
	err    error
}

const chunk = 128 << 10

func newReader(before, after string, p *Payload, rows sink.Rows) *reader {
	next, stop := iter.Pull2(rows)
	size := min(int64(len(before)+len(after))+p.Size, chunk+chunk/4) // a chunk ends with a whole row
	return &reader{next: next, stop: stop, format: p.format, after: after, buf: append(make([]byte, 0, size), before...)}
}

func (r *reader) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == len(r.buf) && len(r.body) > 0 {
		return r.readBody(b), nil
	}
	if r.at == len(r.buf) {
		if r.err != nil {
			return 0, r.err
		}
		r.buf, r.at = r.buf[:0], 0
		r.fill()
	}
	n := copy(b, r.buf[r.at:])
	r.at += n
	return n, nil
}

// readBody reads a large body, which is not copied to buf.
func (r *reader) readBody(b []byte) int {
	n := copy(b, r.body)
	if r.body = r.body[n:]; len(r.body) == 0 {
		r.body = nil
		r.buf, r.at = append(r.buf[:0], r.format.Tail...), 0
	}
	return n
}

func (r *reader) fill() {
	for len(r.buf) < chunk && r.body == nil {
		row, err, ok := r.next()
		switch {
		case !ok:
			r.buf, r.err = append(r.buf, r.after...), io.EOF
			return
		case err == nil:
			err = r.add(row)
		}
		if err != nil {
			r.err = retry.Mark(err, retry.Permanent) // no fault of the call, so no use in repeating it
			return
		}
	}
}

func (r *reader) add(row sink.Row) (err error) {
	if r.rows > 0 {
		r.buf = append(r.buf, r.format.Between...)
	}
	r.rows++
	if len(row.Body) < chunk {
		r.buf, err = r.format.AppendRow(r.buf, row)
		return err
	}
	r.buf, err = r.format.appendHead(r.buf, row)
	r.body = row.Body // valid until the next row is asked for
	return err
}

func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
	r.at, r.buf, r.body, r.err = 0, nil, nil, io.ErrClosedPipe
	return nil
}
