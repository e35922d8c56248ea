package source

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// format is one of the two file formats, below the File that reads it.
type format struct {
	name string
	open opener
	file func(path string) *File[Row]
}

var formats = []format{
	{"jsonl", openJSONL, Rows},
	{"csv", openCSV, Rows},
}

// write makes a file of the format.
func (f format) write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows."+f.name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// seen is a row and the place behind it.
type seen struct {
	JSON string
	Line int
	At   position
}

// scan reads rows until the first error, which is nil at the end.
func scan(open opener, content string, at position) ([]seen, error) {
	r, err := open(strings.NewReader(content), at)
	if err != nil {
		return nil, err
	}
	var all []seen
	for {
		row, at, err := r.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err == nil {
			row, err = ownValid(row)
		}
		if err != nil {
			return all, &Error{Line: row.Line, Err: err}
		}
		all = append(all, seen{string(row.JSON), row.Line, at})
	}
}

// collect reads a whole file.
func collect[T any](f *File[T]) (all []T, err error) {
	for v, err := range f.Items() {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// wantError requires an error that names a line and contains a text.
func wantError(t *testing.T, err error, line int, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Line != line || !strings.Contains(err.Error(), text) {
		t.Errorf("err = %v, want line %d: %s", err, line, text)
	}
}

// endless yields the same bytes behind a head for ever and counts those since
// its start.
type endless struct {
	head, text string
	read       int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.head[min(e.read, int64(len(e.head))):])
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	e.read += int64(n)
	return n, nil
}

func (e *endless) Seek(offset int64, _ int) (int64, error) {
	e.read = offset
	return offset, nil
}
