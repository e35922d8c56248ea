package source

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

type csvReader struct {
	csv   *csv.Reader
	limit *limitReader
	names []string
	heads [][]byte // what stands before each value: {"name": or ,"name":
	base  position // where the reader began
	at    position // after the last record
	json  []byte
}

// openCSV opens a file whose dialect is not given.
func openCSV(r io.ReadSeeker, at position) (rowReader, error) { return CSVFormat{}.open(r, at) }

func (d CSVFormat) open(r io.ReadSeeker, at position) (rowReader, error) {
	return d.openUpTo(r, at, MaxRow)
}

// openUpTo reads the header at the start of the file, wherever it goes on, and
// refuses records of more than most bytes.
func (d CSVFormat) openUpTo(r io.ReadSeeker, at position, most int) (rowReader, error) {
	began, err := readBeginning(r)
	if err != nil {
		return nil, err
	}
	if began.onlyCR {
		r = crReader{r}
	}
	if d, err = d.resolve(began.sample); err != nil {
		return nil, err
	}
	c, err := newCSV(r, position{Offset: began.mark}, d, most)
	if err != nil {
		return nil, err
	}
	names, err := c.csv.Read()
	if err != nil {
		return nil, explainCSV(err)
	}
	for i, name := range names {
		names[i] = showQuotes(name)
	}
	if err := checkHeader(names); err != nil {
		return nil, err
	}
	c.at = c.behind(names)
	if at.Offset > 0 {
		if c, err = newCSV(r, at, d, most); err != nil {
			return nil, err
		}
	}
	c.names, c.heads = names, heads(names)
	c.csv.FieldsPerRecord, c.csv.ReuseRecord = len(names), true
	return c, nil
}

func newCSV(r io.ReadSeeker, at position, d CSVFormat, most int) (*csvReader, error) {
	if _, err := r.Seek(at.Offset, io.SeekStart); err != nil {
		return nil, err
	}
	limit := &limitReader{r: r, most: most}
	limit.allow()
	c := csv.NewReader(bufio.NewReaderSize(&quoteReader{r: limit, delimiter: byte(d.Delimiter)}, bufferSize))
	c.Comma = d.Delimiter
	return &csvReader{csv: c, limit: limit, base: at, at: at}, nil
}

// checkHeader refuses a header that cannot be used. A field without a name, as
// trailing delimiters and some programs make them, is left out.
func checkHeader(names []string) error {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		switch {
		case name == "":
			continue
		case seen[name]:
			return fmt.Errorf("the header names %q twice", name)
		case !utf8.ValidString(name):
			return fmt.Errorf("field %d of the header is not valid UTF-8", i+1)
		}
		seen[name] = true
	}
	if len(seen) == 0 {
		return errors.New("the header names no field")
	}
	return nil
}

func (c *csvReader) place() position { return c.at }

func (c *csvReader) next() (Row, position, error) {
	c.limit.allow()
	record, err := c.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, c.at, io.EOF
	}
	if err != nil {
		row := Row{Line: c.errorLine(err)}
		if p, ok := errors.AsType[*csv.ParseError](err); ok && p.Line == p.StartLine { // else a quote is not closed
			c.at = position{Offset: c.base.Offset + c.csv.InputOffset(), Line: c.base.Line + p.Line}
		}
		if errors.Is(err, csv.ErrFieldCount) {
			c.at = c.behind(record)
		}
		return row, c.at, explainCSV(err)
	}
	line, _ := c.csv.FieldPos(0)
	row := Row{Line: c.base.Line + line}
	start := c.at.Offset
	if c.at = c.behind(record); c.at.Offset-start > int64(c.limit.most) {
		return row, c.at, c.limit.exceeded()
	}
	row.JSON, err = c.object(record)
	return row, c.at, err
}

// behind returns the position after the record just read, which may have
// several lines.
func (c *csvReader) behind(record []string) position {
	n := len(record) - 1
	line, _ := c.csv.FieldPos(n)
	line += strings.Count(record[n], "\n")
	return position{Offset: c.base.Offset + c.csv.InputOffset(), Line: c.base.Line + line}
}

// errorLine is where the record begins that could not be read, or the blank
// lines before it.
func (c *csvReader) errorLine(err error) int {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return c.base.Line + p.StartLine
	}
	return c.at.Line + 1
}

func explainCSV(err error) error {
	var p *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file has no header")
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrFieldCount):
		return errors.New("the record has another number of fields than the header")
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrQuote):
		return fmt.Errorf("column %d: %w: a field in quotes ends with a quote, and one within it is doubled", p.Column, p.Err)
	case errors.As(err, &p):
		return fmt.Errorf("column %d: %w", p.Column, p.Err)
	}
	return err
}
