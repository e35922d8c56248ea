package durable

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// TypedResult is a result with its answer as a value.
type TypedResult[T any] struct {
	Result
	// Value is what the model answered. It is the zero value if the result has
	// an Error.
	Value T
}

// Read yields the results in a file that Lines has written, in its order, or in
// a directory that OpenFiles has filled, by the names of its files. Each comes
// with its value in T. If the job had no schema for its answers, that is the
// text if T is string, and else what the text says in JSON.
//
// An error that comes with the ID of a result is about the value of that one,
// and reading goes on. Any other is the last thing that Read yields. A last
// line without its end is left out, as a run may be about to write it.
//
// CSV files are not read, as they lack parts of a result. What the state
// directory keeps is read by package archive.
func Read[T any](path string) iter.Seq2[TypedResult[T], error] {
	return func(yield func(TypedResult[T], error) bool) {
		err := eachLine(path, func(line []byte) (more bool, err error) {
			var r Result
			if err := json.Unmarshal(line, &r); err != nil {
				return false, err
			}
			if r.ID == "" || r.Status == "" {
				return false, errors.New("it is no result")
			}
			typed := TypedResult[T]{Result: r}
			if r.Error == nil {
				err = setValue(&typed.Value, r.Value, r.Text)
			}
			if err != nil {
				err = fmt.Errorf("durable: the answer of %q: %w", r.ID, err)
			}
			return yield(typed, err), nil
		})
		if err != nil {
			yield(TypedResult[T]{}, fmt.Errorf("durable: read results: %w", err))
		}
	}
}

// setValue sets what an answer says: in its value, or in its text.
func setValue[T any](to *T, value json.RawMessage, text string) error {
	if value != nil {
		return json.Unmarshal(value, to)
	}
	if plain, isText := any(to).(*string); isText {
		*plain = text
		return nil
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("the text is not what was expected: %w", err)
	}
	return nil
}

// eachLine calls f for each line of a file, or of each file of a directory,
// until it wants no more.
func eachLine(path string, f func(line []byte) (more bool, err error)) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		_, err := linesOf(path, f)
		return err
	}
	files, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), resultSuffix) {
			continue
		}
		more, err := linesOf(filepath.Join(path, file.Name()), f)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func linesOf(path string, f func(line []byte) (more bool, err error)) (more bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if !isTorn(line) {
				return false, fmt.Errorf("%s:%d: it is no result", path, n)
			}
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if more, err := f(line); err != nil || !more {
			if err != nil {
				err = fmt.Errorf("%s:%d: %w", path, n, err)
			}
			return false, err
		}
	}
}

// isTorn reports whether what follows the last line may be the beginning of
// one.
func isTorn(rest []byte) bool {
	return jsonLines{}.isTorn([]byte(strings.TrimRight(string(rest), "\x00")), false)
}
