package simulator

import (
	"bufio"
	"errors"
	"os"
)

// A lineWriter writes the lines of a file and counts them.
type lineWriter struct {
	*bufio.Writer
	file  *os.File
	lines int
	bytes int64
}

func createLines(path string) (*lineWriter, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &lineWriter{Writer: bufio.NewWriterSize(f, 64<<10), file: f}, nil
}

// write writes one line, which ends in a line break.
func (w *lineWriter) write(line []byte) error {
	w.lines++
	w.bytes += int64(len(line))
	_, err := w.Write(line)
	return err
}

// close flushes and closes the file; a second call does nothing.
func (w *lineWriter) close() error {
	err := errors.Join(w.Flush(), w.file.Close())
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
