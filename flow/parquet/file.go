package parquet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"reflect"

	"github.com/parquet-go/parquet-go"

	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/fileprint"
)

// File yields the rows of one file as items of type T. It is not safe for
// concurrent use.
type File[T any] struct {
	path string
	name string // as Position says it
	read func(file *parquet.Schema) (reading[T], error)

	text    string // of the last Resume
	resumed checkpoint
	suffix  string // of every checkpoint: what identifies the file
	row     int64  // rows up to the one yielded last
	line    int    // the row yielded last, 0 if there is none

	mayBeEmpty bool // as one of several
}

// reading says how the rows of a file become items.
type reading[T any] struct {
	conversion parquet.Conversion // nil if the rows are read as they are
	item       func(row parquet.Row) (T, error)
}

// Source yields the rows of a file, each decoded into a struct whose fields
// have `parquet` tags as github.com/parquet-go/parquet-go reads them. Columns
// that the struct does not name are not read. A column that the file lacks must
// be optional in the struct. A null leaves the zero value. Source panics if T
// is no struct.
//
// A column is refused if its values do not fit the field: if they are decimals
// of another scale, for example, times in another unit, or wider numbers.
func Source[T any](path string) *File[T] {
	wanted := parquet.SchemaOf(new(T))
	return &File[T]{path: path, name: path, read: func(have *parquet.Schema) (reading[T], error) {
		return readingOf[T](have, wanted)
	}}
}

func readingOf[T any](have, wanted *parquet.Schema) (reading[T], error) {
	if err := mustFit("", have, wanted); err != nil {
		return reading[T]{}, err
	}
	conversion, err := parquet.Convert(wanted, have)
	bounds := boundsOf(reflect.TypeFor[T](), wanted)
	return reading[T]{conversion, func(row parquet.Row) (v T, err error) {
		if err := bounds.check(row); err != nil {
			return v, err
		}
		err = wanted.Reconstruct(&v, row)
		return v, err
	}}, err
}

// Rows yields rows that are not decoded. The JSON of a row has a member for
// each column, in the order of the file, and null where there is no value.
// Decimals and integers keep all digits. Days and times are written as in RFC
// 3339, those that the file does not relate to UTC without a zone. Bytes that
// are not marked as text are text if they are valid UTF-8, and base64 if they
// are not. A value that JSON cannot say, such as a number that is not finite,
// is an error; Source can leave out its column. The caller owns the rows.
func Rows(path string) *File[source.Row] {
	f := &File[source.Row]{path: path, name: path}
	f.read = func(have *parquet.Schema) (reading[source.Row], error) {
		object, err := objectOf(have)
		return reading[source.Row]{item: func(row parquet.Row) (source.Row, error) {
			text, err := object.appendRow(nil, row)
			return source.Row{File: f.name, Line: f.line, JSON: text}, err
		}}, err
	}
	return f
}

// Named gives the file another name than its path in positions and errors, and
// returns f.
func (f *File[T]) Named(name string) *File[T] {
	f.name = name
	return f
}

// Position is the path, or the name that Named has given, and the number of the
// row yielded last, 0 if there is none yet.
func (f *File[T]) Position() (name string, row int) { return f.name, f.line }

// PassesBadRows reports that Items goes on after an error of a row, so that a
// job with Rejects can leave it out.
func (f *File[T]) PassesBadRows() bool { return true }

// Items yields the items, from the start or after the last Resume. An error is
// a *source.Error, whose Line is the number of the row. It ends the sequence
// unless it is about a row whose values cannot be used: then its Raw is not
// nil, and other rows may follow.
func (f *File[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		file, err := fileprint.Open(f.path)
		if err != nil {
			err = f.refuse(0, err)
		} else {
			defer file.Close()
			err = f.all(file, yield)
		}
		if err != nil {
			var zero T
			yield(zero, err)
		}
	}
}

// all yields the rows of the file, if it is the one that was read before and
// stays that.
func (f *File[T]) all(file *os.File, yield func(T, error) bool) error {
	f.row, f.line = f.resumed.Row, 0
	began, err := fileprint.OfTail(file)
	switch {
	case err != nil:
		return f.refuse(0, err)
	case f.text != "" && !began.Equal(f.resumed.File):
		return f.refuse(0, fileprint.ErrChanged)
	}
	if f.suffix, err = began.Suffix(); err != nil {
		return f.refuse(0, err)
	}
	more, err := f.rows(io.NewSectionReader(file, 0, began.Size), yield)
	if err != nil || more {
		if changed := began.Still(file, false); changed != nil {
			return f.refuse(0, changed) // which may be why there is an error
		}
	}
	return err
}

// rows yields rows until there are no more. It reports whether the caller wants
// more.
func (f *File[T]) rows(content *io.SectionReader, yield func(T, error) bool) (more bool, err error) {
	opened, err := open(content)
	if err != nil {
		return false, f.refuse(0, err)
	}
	read, err := f.read(opened.Schema())
	if err != nil {
		return false, f.refuse(0, err)
	}
	skip := f.row
	for _, group := range opened.RowGroups() {
		if skip >= group.NumRows() {
			skip -= group.NumRows()
			continue
		}
		if more, err := f.group(group, skip, read, yield); err != nil || !more {
			return false, err
		}
		skip = 0
	}
	switch {
	case skip > 0:
		return false, f.refuse(0, errors.New("the checkpoint is not within the file"))
	case f.row == 0 && !f.mayBeEmpty:
		return false, f.refuse(0, errors.New("the file has no rows"))
	}
	return true, nil
}

// group yields the rows of a row group after those that it skips.
func (f *File[T]) group(group parquet.RowGroup, skip int64, read reading[T], yield func(T, error) bool) (more bool, err error) {
	if read.conversion != nil {
		group = parquet.ConvertRowGroup(group, read.conversion)
	}
	rows := &rowReader{group: group}
	defer rows.close()
	for n := skip; n < group.NumRows(); n++ {
		row, err := rows.next(n)
		if err != nil {
			return false, f.refuse(int(f.row)+1, err)
		}
		f.row++
		f.line = int(f.row)
		var item T
		var bad error
		err = guard(func() error {
			item, bad = read.item(row)
			return nil
		})
		if err != nil {
			return false, f.refuse(f.line, err)
		}
		if bad != nil {
			if !yield(item, f.refuseRow(bad)) {
				return false, nil
			}
			continue
		}
		if !yield(item, nil) {
			return false, nil
		}
	}
	return true, nil
}

// refuseRow returns the error of a row after which there may be others. Of a
// row of a Parquet file there is no text to tell, but its number.
func (f *File[T]) refuseRow(err error) error {
	return &source.Error{File: f.name, Line: f.line, Err: err, Raw: fmt.Appendf(nil, "row %d", f.line)}
}

func (f *File[T]) refuse(row int, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the path is said already
	}
	return &source.Error{File: f.name, Line: row, Err: err}
}
