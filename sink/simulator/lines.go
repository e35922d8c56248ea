package simulator

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// span is where a line lies in a file, without its line break.
type span struct {
	from int64
	size int
}

// lineSpans finds the lines of r that are not blank.
func lineSpans(r io.Reader) ([]span, error) {
	var spans []span
	for line, err := range lines(r) {
		if err != nil {
			return nil, err
		}
		if len(line.text) > 0 {
			spans = append(spans, span{from: line.from, size: len(line.text)})
		}
	}
	return spans, nil
}

// blank is what JSON knows as white space.
const blank = " \t\r\n"

// line is one line of a file. Its text is valid until the next one is read.
type line struct {
	number int // from 1
	from   int64
	text   []byte // without surrounding space
}

// lines yields the lines of r, of any length.
func lines(r io.Reader) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		in := bufio.NewReaderSize(r, 64<<10)
		var long []byte // a line that does not fit the buffer
		var from int64
		for n := 1; ; n++ {
			raw, err := in.ReadSlice('\n')
			for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); raw, err = in.ReadSlice('\n') {
				long = append(long, raw...)
			}
			if len(long) > 0 {
				long = append(long, raw...)
				raw = long
			}
			if err != nil && err != io.EOF {
				yield(line{}, err)
				return
			}
			if len(raw) > 0 {
				left := bytes.TrimLeft(raw, blank)
				l := line{number: n, from: from + int64(len(raw)-len(left)), text: bytes.TrimRight(left, blank)}
				if !yield(l, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
			from += int64(len(raw))
		}
	}
}
