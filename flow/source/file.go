package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MaxRow is the largest row in bytes.
const MaxRow = 16 << 20

// Row is a line of a file, not decoded.
type Row struct {
	Line int             // 1-based
	JSON json.RawMessage // a JSON object; of a CSV file, of strings
}

// File yields the rows of one file as items of type T. It is not safe for
// concurrent use.
type File[T any] struct {
	path   string
	open   func(r io.Reader, at position) (rowReader, error)
	decode func(Row) (T, error)

	resumed checkpoint
	at      position // behind the row yielded last
	line    int      // of the row yielded last
	print   fingerprint
}

// rowReader reads one format.
type rowReader interface {
	// next returns the next row and the position behind it; io.EOF at the end.
	next() (Row, position, error)
}

// position is a place between two rows.
type position struct {
	Offset int64 `json:"offset"`
	Line   int   `json:"line"` // lines before it
}

// fingerprint tells whether a file is still the one it was.
type fingerprint struct {
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Head     string    `json:"head"` // SHA-256 of the first 64 KiB
}

type checkpoint struct {
	position
	File fingerprint `json:"file"`
}

// Error is a row that cannot be used.
type Error struct {
	File string
	Line int // 0: the file as a whole
	Err  error
}

// Error names the file and the line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap is the reason.
func (e *Error) Unwrap() error { return e.Err }

// JSONL yields the lines of a file, each a JSON object, decoded by
// encoding/json. Blank lines are skipped.
func JSONL[T any](path string) *File[T] {
	return &File[T]{path: path, open: openJSONL, decode: decodeJSON[T]}
}

// CSV yields the records of a file whose first one names the fields. Each is
// decoded as a JSON object of strings would be.
func CSV[T any](path string) *File[T] {
	return &File[T]{path: path, open: openCSV, decode: decodeJSON[T]}
}

// Rows yields rows that are not decoded, of a CSV file if the path ends in
// ".csv" and of a JSONL file otherwise.
func Rows(path string) *File[Row] {
	f := &File[Row]{path: path, open: openJSONL, decode: func(r Row) (Row, error) { return r, nil }}
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		f.open = openCSV
	}
	return f
}

func decodeJSON[T any](r Row) (v T, err error) { return v, json.Unmarshal(r.JSON, &v) }

// Position is the path and the line of the item yielded last.
func (f *File[T]) Position() (name string, line int) { return f.path, f.line }

// Checkpoint is the position behind the item yielded last, with what identifies
// the file.
func (f *File[T]) Checkpoint() string {
	b, err := json.Marshal(checkpoint{f.at, f.print})
	if err != nil {
		panic("source: a checkpoint cannot be encoded: " + err.Error()) // it holds numbers and strings
	}
	return string(b)
}

// Resume makes Items go on behind a checkpoint. It fails if the file has
// changed since.
func (f *File[T]) Resume(text string) error {
	var c checkpoint
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return fmt.Errorf("source: checkpoint: %w", err)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return f.refuse(0, err)
	}
	defer file.Close()
	now, err := printOf(file)
	if err != nil {
		return f.refuse(0, err)
	}
	if !now.equal(c.File) {
		return f.refuse(0, errors.New("the file has changed since it was read: put it back, or begin anew with another state directory"))
	}
	f.resumed = c
	return nil
}

func (f *File[T]) refuse(line int, err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err // the path is said already
	}
	return &Error{File: f.path, Line: line, Err: err}
}

// Items yields the items, from the start or behind the last Resume.
func (f *File[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		file, err := os.Open(f.path)
		if err != nil {
			yield(zero, f.refuse(0, err))
			return
		}
		defer file.Close()
		if err := f.read(file, func(v T) bool { return yield(v, nil) }); err != nil {
			yield(zero, err)
		}
	}
}

func (f *File[T]) read(file *os.File, yield func(T) bool) (err error) {
	if f.print, err = printOf(file); err != nil {
		return f.refuse(0, err)
	}
	if f.print.Size == 0 {
		return f.refuse(0, errors.New("the file is empty"))
	}
	f.at = f.resumed.position
	rows, err := f.open(file, f.at)
	if err != nil {
		return f.refuse(1, err)
	}
	none := f.at.Offset == 0
	for {
		row, at, err := rows.next()
		if errors.Is(err, io.EOF) {
			if none {
				return f.refuse(0, errors.New("the file has no rows"))
			}
			return nil
		}
		if err != nil {
			return f.refuse(row.Line, err)
		}
		v, err := f.decode(row)
		if err != nil {
			return f.refuse(row.Line, err)
		}
		none, f.at, f.line = false, at, row.Line
		if !yield(v) {
			return nil
		}
	}
}

func printOf(file *os.File) (p fingerprint, err error) {
	info, err := file.Stat()
	if err != nil {
		return p, err
	}
	if !info.Mode().IsRegular() {
		return p, errors.New("not a regular file")
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, 64<<10)); err != nil {
		return p, err
	}
	return fingerprint{Size: info.Size(), Modified: info.ModTime().UTC(), Head: hex.EncodeToString(h.Sum(nil))}, nil
}

func (p fingerprint) equal(q fingerprint) bool {
	return p.Size == q.Size && p.Head == q.Head && p.Modified.Equal(q.Modified)
}

var bom = []byte("\xef\xbb\xbf")

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, bom) }
