package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

type jsonlReader struct {
	r  *bufio.Reader
	at position
}

func openJSONL(r io.Reader, at position) (rowReader, error) {
	if s, ok := r.(io.Seeker); ok && at.Offset > 0 {
		if _, err := s.Seek(at.Offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return &jsonlReader{r: bufio.NewReaderSize(r, 256<<10), at: at}, nil
}

func (j *jsonlReader) next() (Row, position, error) {
	for {
		line, err := j.line()
		row := Row{Line: j.at.Line}
		if err != nil {
			return row, j.at, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := checkObject(line); err != nil {
			return row, j.at, err
		}
		row.JSON = bytes.Clone(line)
		return row, j.at, nil
	}
}

// line returns the next line with its newline, valid until the next call.
func (j *jsonlReader) line() ([]byte, error) {
	line, err := j.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = j.long(line)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if err == nil || len(line) > 0 {
		first := j.at.Offset == 0
		j.at.Offset += int64(len(line))
		j.at.Line++
		if first {
			line = trimBOM(line)
		}
	}
	return line, err
}

func (j *jsonlReader) long(start []byte) ([]byte, error) {
	long := bytes.Clone(start)
	for {
		more, err := j.r.ReadSlice('\n')
		if long = append(long, more...); len(long) > MaxRow {
			return long, fmt.Errorf("the line is longer than %d bytes", MaxRow)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}

// checkObject refuses what encoding/json would silently mend, and explains what
// it would refuse.
func checkObject(line []byte) error {
	if !utf8.Valid(line) {
		return fmt.Errorf("column %d: not valid UTF-8: save the file as UTF-8", invalidColumn(line))
	}
	if json.Valid(line) {
		if line[0] != '{' {
			return errors.New(`not a JSON object: each line must be like {"id": "1", "text": "..."}`)
		}
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(line, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("column %d: not valid JSON: %w", syntax.Offset, err)
	}
	return fmt.Errorf("not valid JSON: %w", err)
}

func invalidColumn(line []byte) int {
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size <= 1 {
			return i + 1
		}
		i += size
	}
	return len(line)
}
