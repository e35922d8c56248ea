package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
)

// Error is a row that cannot be used, or a file.
type Error struct {
	File string
	Line int // 1-based; 0: the file as a whole
	Err  error
	// Raw is the row as it stands in the file, at most 1 MiB. It is nil if no
	// rows can be read after it.
	Raw []byte
}

// Error names the file and the line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap is the reason.
func (e *Error) Unwrap() error { return e.Err }

// BadRow returns the row that the error is about, as durable.Job.Rejects wants
// it: false if it is about more than a row.
func (e *Error) BadRow() (raw []byte, file string, line int, ok bool, reason error) {
	return e.Raw, e.File, e.Line, e.Raw != nil, e.Err
}

// fileError is what is wrong with a file as a whole.
type fileError string

func (e fileError) Error() string { return string(e) }

// firstLine is the line of an error at the beginning of a file, 0 if it is about
// all of it.
func firstLine(err error) int {
	if _, ok := errors.AsType[fileError](err); ok {
		return 0
	}
	return 1
}

// refuseRow returns the error of a row after which there may be others.
func (f *File[T]) refuseRow(line int, err error, raw []byte) error {
	return &Error{File: f.name, Line: line, Err: err, Raw: bytes.Clone(bytes.Trim(raw, "\r\n"))}
}

func (f *File[T]) refuse(line int, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the path is said already
	}
	return &Error{File: f.name, Line: line, Err: err}
}
