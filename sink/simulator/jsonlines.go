package simulator

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
)

// readLines yields the JSON lines of a file. A file that does not exist is
// empty, and a last line without its line break is still being written.
func readLines[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(none, fmt.Errorf("simulator: read ledger: %w", err))
			return
		}
		defer func() { _ = f.Close() }()
		decodeLines(f, yield)
	}
}

func decodeLines[T any](r io.Reader, yield func(T, error) bool) {
	var none T
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		var value T
		if err == nil {
			err = json.Unmarshal(line, &value)
		}
		if err != nil {
			yield(none, fmt.Errorf("simulator: read ledger: %w", err))
			return
		}
		if !yield(value, nil) {
			return
		}
	}
}
