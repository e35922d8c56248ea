package download

import (
	"bytes"
	"errors"
	"io"

	"github.com/balerhq/baler/internal/linereader"
)

// maxLine bounds one line of a result file. It is more than any model says, and
// less than what can be kept of a row.
const maxLine = 256<<20 - 128<<10

// maxHead is how much of a longer line is looked at.
const maxHead = 4 << 10

// mark is the byte order mark that some files begin with.
var mark = []byte("\xef\xbb\xbf")

// lineReader reads the lines of a file that are not blank, without white space
// around them.
type lineReader struct {
	r  *linereader.Reader
	at place // after the last line, its end included
	n  int   // lines so far, of those that are not blank

	tooLong bool // the last line was: only its beginning was returned
}

// next returns the next line, valid until the next call; io.EOF after the last.
// A file need not end in a newline, but then the last line may not be whole.
func (l *lineReader) next() (line []byte, whole bool, err error) {
	for {
		line, err := l.r.Next()
		_, l.tooLong = errors.AsType[*linereader.TooLongError](err)
		size := int64(len(line))
		if l.tooLong {
			var rest int64
			rest, err = l.r.Skip()
			line, size = line[:min(len(line), maxHead)], size+rest
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, err
		}
		if l.at.offset += size; l.at.offset == size {
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
