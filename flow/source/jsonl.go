package source

import (
	"bytes"
	"errors"
	"io"

	"github.com/balerhq/baler/internal/linereader"
)

const (
	bom   = "\xef\xbb\xbf"
	blank = " \t\r\n" // what JSON takes for white space
)

type jsonlReader struct {
	r    *linereader.Reader
	at   position
	seen repetitions
}

func openJSONL(r io.ReadSeeker, at position) (rowReader, error) { return openJSONLUpTo(r, at, MaxRow) }

// openJSONLUpTo refuses lines of more than most bytes.
func openJSONLUpTo(r io.ReadSeeker, at position, most int) (rowReader, error) {
	began, err := readBeginning(r)
	if err != nil {
		return nil, err
	}
	if began.onlyCR {
		r = crReader{r}
	}
	if _, err := r.Seek(at.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	return &jsonlReader{r: linereader.New(r, bufferSize, most), at: at}, nil
}

func (j *jsonlReader) place() position { return j.at }

func (j *jsonlReader) next() (Row, position, error) {
	for {
		before := j.at
		line, err := j.line()
		row := Row{Line: j.at.Line}
		if err != nil {
			return row, before, err
		}
		if line = bytes.TrimRight(line, blank); len(line) == 0 {
			continue
		}
		row.JSON = line
		return row, j.at, j.check(line)
	}
}

// line returns the next line with its newline, valid until the next call.
func (j *jsonlReader) line() ([]byte, error) {
	first := j.at.Offset == 0
	line, err := j.r.Next()
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil // the last line needs no newline
	}
	if len(line) > 0 {
		j.at.Offset += int64(len(line))
		j.at.Line++
	}
	if first {
		line = bytes.TrimPrefix(line, []byte(bom))
	}
	return line, err
}
