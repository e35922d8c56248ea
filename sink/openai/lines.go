package openai

import (
	"bytes"
	"errors"
	"io"

	"github.com/balerhq/baler/internal/linereader"
	"github.com/balerhq/baler/retry"
)

// maxLine bounds one line of a result file.
const maxLine = 64 << 20

// mark is the byte order mark that some files begin with.
var mark = []byte("\xef\xbb\xbf")

// lineReader reads the lines of a file that are not blank, without white space
// around them.
type lineReader struct {
	r  *linereader.Reader
	at place // after the last line, its end included
	n  int   // lines so far, of those that are not blank
}

// next returns the next line, valid until the next call; io.EOF after the last.
// A file need not end in a newline, but then the last line may not be whole.
func (l *lineReader) next() (line []byte, whole bool, err error) {
	for {
		line, err := l.r.Next()
		if tooLong, ok := errors.AsType[*linereader.TooLongError](err); ok {
			return nil, false, retry.Mark(tooLong, retry.Permanent)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		if l.at.offset += int64(len(line)); l.at.offset == int64(len(line)) {
			line = bytes.TrimPrefix(line, mark)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			l.n++
			return line, err == nil, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
}
