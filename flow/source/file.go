package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/balerhq/baler/internal/fileprint"
	"github.com/balerhq/baler/internal/readahead"
)

// MaxRow is the largest row in bytes. It is more than any provider takes.
const MaxRow = 256 << 20

// bufferSize is what is read ahead of a row.
const bufferSize = 256 << 10

// Row is a line of a file, not decoded.
type Row struct {
	File string          // its path
	Line int             // 1-based; the first if the row has several
	JSON json.RawMessage // a JSON object; of a CSV file, of strings
	ID   string          // of a row in a file of dead letters

	// Route is the one that has failed a row in a file of dead letters, if
	// there were several.
	Route string
}

// MarshalJSON returns the row's JSON.
func (r Row) MarshalJSON() ([]byte, error) { return r.JSON, nil }

// File yields the rows of one file as items of type T. It is not safe for
// concurrent use.
type File[T any] struct {
	path   string
	name   string // as Position says it
	open   opener
	format func(CSVFormat) opener // nil if it has no records
	decode func(Row) (T, error)

	mayBeEmpty bool // as one of several, or before it grows
	growing    bool

	text    string // of the last Resume
	resumed checkpoint
	suffix  string   // of every checkpoint: what identifies the file
	at      position // after the row yielded last
	line    int      // of the row yielded last
	sum     uint32   // of the content up to there, if the file grows
}

// opener begins to read one format at a position.
type opener func(r io.ReadSeeker, at position) (rowReader, error)

// rowReader reads one format.
type rowReader interface {
	// next returns the next row and the position after it; io.EOF at the
	// end. The row's JSON is valid until the next call.
	// An error after which the next row can be read comes with a later
	// position than before.
	next() (Row, position, error)
	// place returns the position after the row that was read last.
	place() position
}

// JSONL yields the lines of a file, each a JSON object, decoded as
// encoding/json does. Blank lines are skipped.
func JSONL[T any](path string) *File[T] {
	return newFile(path, nil, decode[T])
}

// CSV yields the records of a file whose first one names the fields. Each is
// decoded as a JSON object of strings would be; fields without a name are left
// out. What divides the fields is found, or said by WithFormat.
func CSV[T any](path string) *File[T] {
	return newFile(path, records, decode[T])
}

// Rows yields rows that are not decoded, of a CSV file if the path ends in
// ".csv", ".tsv" or ".tab", and of a JSONL file otherwise. An ending that says
// how the file is compressed does not count. The caller owns the rows.
func Rows(path string) *File[Row] {
	name := strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst", ".zstd"} {
		name = strings.TrimSuffix(name, packed)
	}
	switch filepath.Ext(name) {
	case ".csv", ".tsv", ".tab":
		return newFile(path, records, own)
	}
	return newFile(path, nil, ownValid)
}

// Detect yields rows as Rows does, of a file whose name says nothing: of a
// JSONL file if its content begins with a brace or a bracket, and of a CSV file
// otherwise.
func Detect(path string) *File[Row] { return newFile(path, detect, ownValid) }

func newFile[T any](path string, format func(CSVFormat) opener, decode func(Row) (T, error)) *File[T] {
	f := &File[T]{path: path, name: path, open: openJSONL, format: format, decode: decode}
	return f.WithFormat(CSVFormat{})
}

func records(d CSVFormat) opener { return d.open }

// detect returns an opener that takes the format that the content has.
func detect(d CSVFormat) opener {
	return func(r io.ReadSeeker, at position) (rowReader, error) {
		began, err := readBeginning(r)
		if err != nil {
			return nil, err
		}
		if text := bytes.TrimLeft(began.sample, blank); len(text) > 0 && (text[0] == '{' || text[0] == '[') {
			return openJSONL(r, at)
		}
		return d.open(r, at)
	}
}

// Named gives the file another name than its path in positions and errors, and
// returns f.
func (f *File[T]) Named(name string) *File[T] {
	f.name = name
	return f
}

// WithFormat says how a CSV file is written, and returns f. It does nothing to
// a file of another format.
func (f *File[T]) WithFormat(d CSVFormat) *File[T] {
	if f.format != nil {
		f.open = f.format(d)
	}
	return f
}

// Position is the path, or the name that Named has given, and the line of the
// item yielded last, 0 if there is none yet.
func (f *File[T]) Position() (name string, line int) { return f.name, f.line }

// Items yields the items, from the start or after the last Resume. An error is
// an *Error. One of a row, which has a Raw, is followed by the next row if the
// caller goes on; any other ends the sequence. Rows are read and decoded ahead
// of the caller, by another goroutine.
func (f *File[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for r := range readahead.Seq(f.all, (*read[T]).bytes) {
			f.at, f.line, f.sum = r.at, r.line, r.sum
			if !r.none && !yield(r.item, r.err) {
				return
			}
		}
	}
}

// PassesBadRows reports that Items goes on after an error of a row.
func (f *File[T]) PassesBadRows() bool { return true }

// read is what was read of a file: an item, the error of a row, or that which
// ends the file.
type read[T any] struct {
	item T
	err  error
	none bool // it is only a place

	at   position // after it
	line int
	sum  uint32 // of the content up to there, if the file grows
	size int
}

func (r *read[T]) bytes() int { return r.size }

// all yields what is in the file.
func (f *File[T]) all(yield func(read[T]) bool) {
	last := read[T]{at: f.at, line: f.line, sum: f.sum}
	file, err := fileprint.Open(f.path)
	if err == nil {
		defer file.Close()
		err = f.allOf(file, &last, yield)
	} else {
		err = f.refuse(0, err)
	}
	if err != nil {
		last.err = err
		yield(last)
	}
}

// allOf yields the rows of a file. It returns the error that ends it, if there
// is one.
func (f *File[T]) allOf(file *os.File, last *read[T], yield func(read[T]) bool) error {
	began, err := f.identify(file)
	if err != nil {
		return f.refuse(0, err)
	}
	last.at, last.line = f.resumed.position, 0
	begin := *last
	if begin.none = true; !yield(begin) || began.Size == 0 { // which is no error here
		return nil
	}
	line, err := f.rows(io.NewSectionReader(file, 0, began.Size), last, yield)
	switch changed := began.Still(file, f.growing); {
	case err == nil:
		return nil // the caller has had enough
	case changed != nil:
		return f.refuse(0, changed) // which may be why there is an error
	case !errors.Is(err, errEnd):
		return f.refuse(line, err)
	case last.at.Offset == 0 && !f.mayBeEmpty:
		return f.refuse(0, errors.New("the file has no rows"))
	}
	return nil
}

// errEnd is not io.EOF, which the decoder of a user's type may return.
var errEnd = errors.New("end of file")

// rows yields rows until an error after which there are none, which is errEnd
// at the end, and returns its line; nil if yield wants no more. It leaves the
// place of the last row in last.
func (f *File[T]) rows(file io.ReadSeeker, last *read[T], yield func(read[T]) bool) (line int, err error) {
	content, _, err := unpack(file)
	if err != nil {
		return 0, err
	}
	tape := &tape{content: content}
	rows, err := f.open(tape, last.at)
	if err != nil {
		return firstLine(err), err
	}
	before := rows.place()
	if last.at.Offset == 0 {
		last.sum = crc32.Checksum([]byte(bom)[:tape.at], castagnoli) // which a CSV file begins after
		last.sum = crc32.Update(last.sum, castagnoli, tape.cut(before.Offset))
	}
	for {
		row, at, err := rows.next()
		if errors.Is(err, io.EOF) {
			return 0, errEnd
		}
		raw := tape.cut(at.Offset)
		r := read[T]{at: at, line: row.Line, sum: last.sum, size: len(raw)}
		if row.File = f.name; err == nil {
			if r.item, err = f.decode(row); err != nil { // what it has may be a part of a buffer
				var none T
				r.item = none
			}
		}
		if err != nil && (at == before || len(raw) > maxRaw) {
			return row.Line, err // there is no telling where the next row begins
		}
		before = at
		if f.growing {
			r.sum = crc32.Update(r.sum, castagnoli, raw)
		}
		last.at, last.line, last.sum = r.at, r.line, r.sum
		if err != nil {
			r.err = f.refuseRow(row.Line, err, raw)
		}
		if !yield(r) {
			return row.Line, nil
		}
	}
}

// identify makes sure that the file is the one that was read before.
func (f *File[T]) identify(file *os.File) (fileprint.Print, error) {
	p, err := fileprint.OfHead(file)
	switch {
	case err != nil:
		return p, err
	case p.Size == 0 && !f.mayBeEmpty:
		return p, errors.New("the file is empty")
	case f.text != "" && !f.growing && !p.Equal(f.resumed.File):
		return p, fileprint.ErrChanged
	}
	f.suffix, err = p.Suffix()
	return p, err
}
