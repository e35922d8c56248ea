package retry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/balerhq/baler/internal/errorbody"
)

// DeadLetter is a row that was given up, with the reason. It is one line of
// JSON.
type DeadLetter[T any] struct {
	ID       string       `json:"id,omitempty"` // the row's, if it has one
	Time     time.Time    `json:"time,omitzero"`
	Attempts int          `json:"attempts"`
	Class    Class        `json:"class"`
	Status   int          `json:"status,omitempty"` // HTTP status, if there was a reply
	Code     string       `json:"code,omitempty"`   // the provider's code
	Reason   string       `json:"reason"`           // the error, at most 4 KiB of it
	Route    string       `json:"route,omitempty"`  // that failed the row last, if there are several
	Tried    []TriedRoute `json:"tried,omitempty"`  // the routes before, in order
	Item     T            `json:"item"`
}

// TriedRoute is a route that a row took before it was given up.
type TriedRoute struct {
	Route string `json:"route"`
	Code  string `json:"code,omitempty"` // why the route failed the row for good; "" if it did not
}

// DeadLetters writes rows that were given up, one line each, so that they can
// be repaired and sent again. It is safe for concurrent use. Make it with
// [NewDeadLetters] or [OpenDeadLetters]: the zero value has nowhere to write
// to, and Write says so.
type DeadLetters[T any] struct {
	mu sync.Mutex
	w  io.Writer
}

// NewDeadLetters writes to w, with one call of its Write per row. w must not
// call the DeadLetters.
func NewDeadLetters[T any](w io.Writer) *DeadLetters[T] { return &DeadLetters[T]{w: w} }

// OpenDeadLetters appends to the file at path. It makes the file readable to
// its owner alone, since items may be confidential. It ends a line that a crash
// cut short. Close it when done.
func OpenDeadLetters[T any](path string) (*DeadLetters[T], error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("retry: open dead letters: %w", err)
	}
	if err := errors.Join(f.Chmod(0o600), endLine(f)); err != nil {
		return nil, fmt.Errorf("retry: open dead letters: %w", errors.Join(err, f.Close()))
	}
	return NewDeadLetters[T](f), nil
}

// endLine makes sure that the next write begins a line.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

// Write records a row that was given up because of its Err. It can be the dead
// hook of [DoBatch]. The line is with the operating system when Write returns,
// and on disk after Close.
func (d *DeadLetters[T]) Write(row Row[T]) error {
	letter := DeadLetter[T]{
		Time:     time.Now().UTC(),
		Attempts: row.Attempts,
		Class:    ClassOf(row.Err),
		Reason:   fmt.Sprint(row.Err),
		Item:     row.Item,
	}
	if e, ok := errors.AsType[*Error](row.Err); ok {
		letter.Status, letter.Code = e.Status, e.Code
	}
	return d.Append(letter)
}

// Append writes a letter as one line. It makes the Reason printable and short
// enough. See Write about when the line is safe.
func (d *DeadLetters[T]) Append(letter DeadLetter[T]) error {
	if d.w == nil {
		return errors.New("retry: write dead letter: no writer: make DeadLetters with NewDeadLetters or OpenDeadLetters")
	}
	letter.Reason = errorbody.Clip(letter.Reason)
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(letter); err != nil {
		return fmt.Errorf("retry: encode dead letter: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.w.Write(line.Bytes()); err != nil {
		return fmt.Errorf("retry: write dead letter: %w", err)
	}
	return nil
}

// Close syncs and closes the file. It does nothing for other writers.
func (d *DeadLetters[T]) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.w.(*os.File)
	if !ok {
		return nil
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("retry: close dead letters: %w", err)
	}
	return nil
}

// ReadDeadLetters yields the letters in order. A damaged line, such as one cut
// short by a crash, yields an error that names it, and reading continues. A
// failure to read ends the sequence. Lines may have any length.
func ReadDeadLetters[T any](r io.Reader) iter.Seq2[DeadLetter[T], error] {
	return func(yield func(DeadLetter[T], error) bool) {
		lines := bufio.NewReader(r)
		for number := 1; ; number++ {
			line, end := lines.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				var letter DeadLetter[T]
				err := json.Unmarshal(line, &letter)
				if err != nil {
					err = fmt.Errorf("retry: dead letter in line %d: %w", number, err)
				}
				if !yield(letter, err) {
					return
				}
			}
			if errors.Is(end, io.EOF) {
				return
			}
			if end != nil {
				yield(DeadLetter[T]{}, fmt.Errorf("retry: read dead letters: %w", end))
				return
			}
		}
	}
}
