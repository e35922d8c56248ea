package source

import (
	"encoding/json"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// MaxRow is the largest row in bytes. It is more than any provider takes.
const MaxRow = 256 << 20

// bufferSize is what is read ahead of a row.
const bufferSize = 256 << 10

// Row is a line of a file, not decoded.
type Row struct {
	Line int             // 1-based; the first if the row has several
	JSON json.RawMessage // a JSON object; of a CSV file, of strings
}

// File yields the rows of one file as items of type T. It is not safe for
// concurrent use.
type File[T any] struct {
	path   string
	open   opener
	csv    bool // the format
	decode func(Row) (T, error)

	text    string // of the last Resume
	resumed checkpoint
	suffix  string   // of every checkpoint: what identifies the file
	at      position // after the row yielded last
	line    int      // of the row yielded last
}

// opener begins to read one format at a position.
type opener func(r io.ReadSeeker, at position) (rowReader, error)

// rowReader reads one format.
type rowReader interface {
	// next returns the next row and the position after it; io.EOF at the
	// end. The row's JSON is valid until the next call.
	next() (Row, position, error)
}

// JSONL yields the lines of a file, each a JSON object, decoded by
// encoding/json. Blank lines are skipped.
func JSONL[T any](path string) *File[T] {
	return &File[T]{path: path, open: openJSONL, decode: decode[T]}
}

// CSV yields the records of a file whose first one names the fields. Each is
// decoded as a JSON object of strings would be; fields without a name are left
// out. What divides the fields is found, or said by WithFormat.
func CSV[T any](path string) *File[T] {
	return &File[T]{path: path, open: openCSV, csv: true, decode: decode[T]}
}

// Rows yields rows that are not decoded, of a CSV file if the path ends in
// ".csv", ".tsv" or ".tab", and of a JSONL file otherwise. The caller owns
// them.
func Rows(path string) *File[Row] {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv", ".tab":
		return &File[Row]{path: path, open: openCSV, csv: true, decode: own}
	}
	return &File[Row]{path: path, open: openJSONL, decode: ownValid}
}

// WithFormat says how a CSV file is written, and returns f. It does nothing to
// a file of another format.
func (f *File[T]) WithFormat(d CSVFormat) *File[T] {
	if f.csv {
		f.open = d.open
	}
	return f
}

// Position is the path and the line of the item yielded last, 0 if there is
// none yet.
func (f *File[T]) Position() (name string, line int) { return f.path, f.line }

// Items yields the items, from the start or after the last Resume. An error is
// an *Error and ends the sequence.
func (f *File[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		file, err := openRegular(f.path)
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

func (f *File[T]) read(file *os.File, yield func(T) bool) error {
	began, err := f.identify(file)
	if err != nil {
		return f.refuse(0, err)
	}
	line, err := f.rows(file, yield)
	switch changed := began.still(file); {
	case err == nil:
		return nil // the caller has had enough
	case changed != nil:
		return f.refuse(0, changed) // which may be why there is an error
	case !errors.Is(err, errEnd):
		return f.refuse(line, err)
	case f.at.Offset == 0:
		return f.refuse(0, errors.New("the file has no rows"))
	}
	return nil
}

// errEnd is not io.EOF, which the decoder of a user's type may return.
var errEnd = errors.New("end of file")

// rows yields rows until the first error, which is errEnd at the end, and
// returns its line; nil if yield wants no more.
func (f *File[T]) rows(file *os.File, yield func(T) bool) (line int, err error) {
	f.at, f.line = f.resumed.position, 0
	rows, err := f.open(file, f.at)
	if err != nil {
		return 1, err
	}
	for {
		row, at, err := rows.next()
		if errors.Is(err, io.EOF) {
			return 0, errEnd
		}
		if err != nil {
			return row.Line, err
		}
		v, err := f.decode(row)
		if err != nil {
			return row.Line, err
		}
		f.at, f.line = at, row.Line
		if !yield(v) {
			return row.Line, nil
		}
	}
}

// identify makes sure that the file is the one that was read before.
func (f *File[T]) identify(file *os.File) (fingerprint, error) {
	p, err := printOf(file)
	switch {
	case err != nil:
		return p, err
	case p.Size == 0:
		return p, errors.New("the file is empty")
	case f.text != "" && !p.equal(f.resumed.File):
		return p, errChanged
	}
	f.suffix, err = p.suffix()
	return p, err
}
