package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/balerhq/baler/internal/atomicfile"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
)

// rowsFile holds the rows of a batch, after a header.
const rowsFile = "rows"

// header says whose the rows are.
type header struct {
	Tag      string `json:"tag"`
	Service  string `json:"service"` // that the rows are asked of
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
}

// rowsError is an error of the rows, and not of the disk.
type rowsError struct{ error }

// writeRows writes the rows and counts them. What is wrong with them is a
// rowsError.
func writeRows(dir *os.Root, h header, limits sink.Limits, rows sink.Rows) (n int, err error) {
	head, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	err = atomicfile.Create(dir, rowsFile, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 64<<10)
		if err := segment.Write(w, head); err != nil {
			return err
		}
		if n, err = appendRows(w, limits, rows); err != nil {
			return err
		}
		return w.Flush()
	})
	return n, err
}

func appendRows(w *bufio.Writer, limits sink.Limits, rows sink.Rows) (n int, err error) {
	size := int64(0)
	for row, err := range rows {
		if err != nil {
			return n, &rowsError{err}
		}
		n++
		size += int64(len(row.Body))
		if limits.Rows > 0 && n > limits.Rows || limits.Bytes > 0 && size > limits.Bytes {
			return n, &rowsError{fmt.Errorf("at least %d rows of %d bytes, and it takes %d rows and %d bytes: %w",
				n, size, limits.Rows, limits.Bytes, sink.ErrTooLarge)}
		}
		if err := segment.Write(w, []byte(row.ID), []byte{0}, row.Body); err != nil {
			return n, err
		}
	}
	if n == 0 {
		return 0, &rowsError{errors.New("a batch without rows")}
	}
	return n, nil
}

// readHeader returns the header, and where the rows begin.
func readHeader(f io.ReaderAt) (h header, begin int64, err error) {
	head, err := segment.ReadAt(f, 0, nil)
	if err == nil {
		err = json.Unmarshal(head, &h)
	}
	return h, int64(len(head)) + segment.Overhead, err
}

// offsets returns where each row begins.
func offsets(f io.Reader) (all []int64, err error) {
	at := int64(0)
	for record, err := range segment.ReadAll(f) {
		if err != nil {
			return nil, err
		}
		all = append(all, at)
		at += int64(len(record)) + segment.Overhead
	}
	return all[min(1, len(all)):], nil // the first is the header
}

// readRow reads the row at an offset.
func readRow(f io.ReaderAt, offset int64) (sink.Row, error) {
	record, err := segment.ReadAt(f, offset, nil)
	if err != nil {
		return sink.Row{}, err
	}
	id, body, ok := bytes.Cut(record, []byte{0})
	if !ok {
		return sink.Row{}, fmt.Errorf("%w: no id", segment.ErrDamaged)
	}
	return sink.Row{ID: string(id), Body: body}, nil
}

// after returns where the row after this one begins.
func after(offset int64, row sink.Row) int64 {
	return offset + segment.Overhead + int64(len(row.ID)+1+len(row.Body))
}
