package source

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

type csvReader struct {
	csv    *csv.Reader
	limit  *limitReader
	header []string
	base   position // where the reader began
	row    int      // records read
}

// openCSV reads the header at the start of the file, wherever it goes on.
func openCSV(r io.Reader, at position) (rowReader, error) {
	c := newCSV(r, position{})
	header, err := c.csv.Read()
	if err != nil {
		return nil, explainCSV(err)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	if at.Offset == 0 {
		c.header, c.csv.FieldsPerRecord = header, len(header)
		return c, nil
	}
	s, ok := r.(io.Seeker)
	if !ok {
		return nil, errors.New("cannot seek")
	}
	if _, err := s.Seek(at.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	c = newCSV(r, at)
	c.header, c.csv.FieldsPerRecord = header, len(header)
	return c, nil
}

func newCSV(r io.Reader, at position) *csvReader {
	limit := &limitReader{r: r, left: 2 * MaxRow}
	br := bufio.NewReader(limit)
	base := at
	if at.Offset == 0 {
		if b, err := br.Peek(len(bom)); err == nil && bytes.Equal(b, bom) {
			n, _ := br.Discard(len(bom)) //nolint:errcheck // just peeked
			base.Offset = int64(n)
		}
	}
	return &csvReader{csv: csv.NewReader(br), limit: limit, base: base}
}

func checkHeader(names []string) error {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		switch {
		case name == "":
			return fmt.Errorf("field %d of the header has no name", i+1)
		case seen[name]:
			return fmt.Errorf("the header names %q twice", name)
		case !utf8.ValidString(name):
			return fmt.Errorf("field %d of the header is not valid UTF-8", i+1)
		}
		seen[name] = true
	}
	return nil
}

func (c *csvReader) next() (Row, position, error) {
	c.limit.left = 2 * MaxRow // a record and what is read ahead
	record, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, position{}, io.EOF
	}
	if err != nil {
		return Row{Line: c.errorLine(err)}, position{}, explainCSV(err)
	}
	line, _ := c.csv.FieldPos(0)
	row := Row{Line: c.base.Line + line}
	if row.JSON, err = c.encode(record); err != nil {
		return row, position{}, err
	}
	last, _ := c.csv.FieldPos(len(record) - 1)
	last += bytes.Count([]byte(record[len(record)-1]), []byte("\n"))
	return row, position{Offset: c.base.Offset + c.csv.InputOffset(), Line: c.base.Line + last}, nil
}

func (c *csvReader) errorLine(err error) int {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return c.base.Line + p.StartLine
	}
	line, _ := c.csv.FieldPos(0)
	return c.base.Line + line
}

func explainCSV(err error) error {
	var p *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file has no header")
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrFieldCount):
		return errors.New("the record has another number of fields than the header")
	case errors.As(err, &p):
		return fmt.Errorf("column %d: %w", p.Column, p.Err)
	}
	return err
}

// encode writes a record as a JSON object.
func (c *csvReader) encode(record []string) ([]byte, error) {
	out := []byte{'{'}
	for i, value := range record {
		if !utf8.ValidString(value) {
			return nil, fmt.Errorf("field %q is not valid UTF-8: save the file as UTF-8", c.header[i])
		}
		if i > 0 {
			out = append(out, ',')
		}
		for _, s := range []string{c.header[i], value} {
			quoted, err := quote(s)
			if err != nil {
				return nil, err
			}
			out = append(append(out, quoted...), ':')
		}
		out = out[:len(out)-1]
	}
	return append(out, '}'), nil
}

func quote(s string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(s)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// limitReader bounds what an unclosed quote can swallow.
type limitReader struct {
	r    io.Reader
	left int
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("the record is longer than %d bytes: is a quote not closed?", MaxRow)
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
