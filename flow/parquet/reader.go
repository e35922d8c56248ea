package parquet

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

const (
	readAhead = 64       // rows that are read in one go
	readSize  = 64 << 10 // bytes that are read in one go, of each column
)

// open reads what stands at the end of a file: the schema, and where the rows
// are.
func open(content *io.SectionReader) (file *parquet.File, err error) {
	err = guard(func() error {
		file, err = parquet.OpenFile(content, content.Size(), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readSize))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("not a Parquet file that can be read: %w", err)
	}
	return file, nil
}

// rowReader reads the rows of a row group in their order.
type rowReader struct {
	group parquet.RowGroup
	rows  parquet.Rows // nil until the first read
	buf   [readAhead]parquet.Row
	ahead []parquet.Row // of buf: rows that were read and not returned
}

// next returns the nth row of the group, valid until the next call. Each n is
// one more than the last.
func (r *rowReader) next(n int64) (parquet.Row, error) {
	if len(r.ahead) == 0 {
		if err := guard(func() error { return r.fill(n) }); err != nil {
			return nil, err
		}
	}
	row := r.ahead[0]
	r.ahead = r.ahead[1:]
	return row, nil
}

func (r *rowReader) fill(n int64) error {
	if r.rows == nil {
		r.rows = r.group.Rows()
		if n > 0 {
			if err := r.rows.SeekToRow(n); err != nil {
				return err
			}
		}
	}
	got, err := r.rows.ReadRows(r.buf[:])
	switch {
	case got > 0:
		r.ahead = r.buf[:got]
		return nil // an error comes again with the next rows
	case err == nil || errors.Is(err, io.EOF):
		return errors.New("the file is damaged: it has fewer rows than it says")
	}
	return err
}

func (r *rowReader) close() {
	if r.rows != nil {
		_ = guard(r.rows.Close)
	}
}

// guard calls f and makes an error of a panic: the library meets some kinds of
// damage with one.
func guard(f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the file is damaged: %v", cause)
		}
	}()
	return f()
}
