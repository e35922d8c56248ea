package scan

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
)

// Span is where a line lies in a file, without its line break.
type Span struct {
	From int64
	Size int
}

// Spans finds the lines of r that are not blank.
func Spans(r io.Reader) ([]Span, error) {
	var spans []Span
	for line, err := range Lines(r) {
		if err != nil {
			return nil, err
		}
		if len(line.Text) > 0 {
			spans = append(spans, Span{From: line.From, Size: len(line.Text)})
		}
	}
	return spans, nil
}

// Blank is what JSON knows as white space.
const Blank = " \t\r\n"

// Line is one line of a file. Its text is valid until the next one is read.
type Line struct {
	Number int // from 1
	From   int64
	Text   []byte // without surrounding space
}

// Lines yields the lines of r, of any length.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
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
				yield(Line{}, err)
				return
			}
			if len(raw) > 0 {
				left := bytes.TrimLeft(raw, Blank)
				l := Line{Number: n, From: from + int64(len(raw)-len(left)), Text: bytes.TrimRight(left, Blank)}
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
