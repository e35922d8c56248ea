package openai

import (
	"bytes"
	"io"

	"github.com/balerhq/baler/sink"
)

// maxKept is how many bytes of lines are kept between measuring and sending
// them. A larger batch is encoded twice: that costs time, and this memory.
const maxKept = 16 << 20

// lines are the rows of a batch as they are sent, measured, and kept if they
// are small.
type lines struct {
	size int64
	kept [][]byte // nil if they are too large
}

const keptChunk = 1 << 20

// measure encodes the rows.
func measure(endpoint string, rows sink.Rows) (l lines, err error) {
	var head []byte
	keeps := true
	for row, err := range rows {
		if err != nil {
			return lines{}, err
		}
		if head, err = appendRowHead(head[:0], endpoint, row); err != nil {
			return lines{}, err
		}
		n := len(head) + len(row.Body) + len(rowEnd)
		l.size += int64(n)
		if keeps = keeps && l.size <= maxKept; !keeps {
			l.kept = nil
			continue
		}
		l.keep(n, head, row.Body)
	}
	if keeps && l.kept == nil {
		l.kept = [][]byte{} // of no rows
	}
	return l, nil
}

func (l *lines) keep(n int, head, body []byte) {
	last := len(l.kept) - 1
	if last < 0 || cap(l.kept[last])-len(l.kept[last]) < n {
		l.kept = append(l.kept, make([]byte, 0, max(keptChunk, n)))
		last++
	}
	l.kept[last] = append(append(append(l.kept[last], head...), body...), rowEnd...)
}

// reader returns what is sent: head, the lines and tail.
func (l *lines) reader(head, tail, endpoint string, rows sink.Rows) io.ReadCloser {
	if l.kept == nil {
		return newPayload(head, tail, endpoint, rows)
	}
	parts := make([]io.Reader, 0, len(l.kept)+2)
	parts = append(parts, bytes.NewReader([]byte(head)))
	for _, chunk := range l.kept {
		parts = append(parts, bytes.NewReader(chunk))
	}
	return io.NopCloser(io.MultiReader(append(parts, bytes.NewReader([]byte(tail)))...))
}
