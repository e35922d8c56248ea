package openai

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/balerhq/baler/retry"
)

// maxLine bounds one line of a result file.
const maxLine = 64 << 20

// readLine returns the next line that is not blank, without white space around
// it, valid until the next call; io.EOF after the last. A file need not end in a
// newline.
func readLine(r *bufio.Reader) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line, err = readLong(r, line)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func readLong(r *bufio.Reader, start []byte) ([]byte, error) {
	long := bytes.Clone(start)
	for {
		more, err := r.ReadSlice('\n')
		if long = append(long, more...); len(long) > maxLine {
			return nil, retry.Mark(fmt.Errorf("longer than %d bytes", maxLine), retry.Permanent)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}
