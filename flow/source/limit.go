package source

import (
	"fmt"
	"io"
)

// limitReader bounds what an unclosed quote can swallow.
type limitReader struct {
	r    io.Reader
	most int // bytes of a record
	left int
}

func (l *limitReader) exceeded() error {
	return fmt.Errorf("the record is longer than %d bytes: is a quote not closed?", l.most)
}

// allow lets one more record be read, and what is read ahead of it.
func (l *limitReader) allow() { l.left = l.most + bufferSize }

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, l.exceeded()
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
