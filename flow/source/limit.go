package source

import (
	"fmt"
	"io"
)

var errLongRecord = fmt.Errorf("the record is longer than %d bytes: is a quote not closed?", MaxRow)

// limitReader bounds what an unclosed quote can swallow.
type limitReader struct {
	r    io.Reader
	left int
}

// allow lets one more record be read, and what is read ahead of it.
func (l *limitReader) allow() { l.left = MaxRow + bufferSize }

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRecord
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
