package simulator

import (
	"bufio"
	"errors"
	"os"
)

// A lineWriter writes the lines of a file and counts them.
type lineWriter struct {
	*bufio.Writer
	file   *os.File
	quirks ResultQuirks
	lines  int
	bytes  int64
}

func createLines(path string, quirks ResultQuirks) (*lineWriter, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &lineWriter{Writer: bufio.NewWriterSize(f, 64<<10), file: f, quirks: quirks}, nil
}

// write writes one line, which ends in a line break. It may overwrite that.
func (w *lineWriter) write(line []byte) error {
	if w.lines++; w.quirks == (ResultQuirks{}) {
		return w.count(w.Write(line))
	}
	end := "\n"
	if w.quirks.CRLF {
		end = "\r\n"
	}
	text := line[:len(line)-1]
	switch {
	case !w.quirks.NoFinalNewline:
		text = append(text, end...)
	case w.lines > 1: // the end of the line before
		if err := w.count(w.WriteString(end)); err != nil {
			return err
		}
	}
	return w.count(w.Write(text))
}

func (w *lineWriter) count(n int, err error) error {
	w.bytes += int64(n)
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
