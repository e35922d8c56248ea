package source

import (
	"errors"
	"fmt"
	"io/fs"
)

// Error is a row that cannot be used, or a file.
type Error struct {
	File string
	Line int // 1-based; 0: the file as a whole
	Err  error
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

func (f *File[T]) refuse(line int, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // the path is said already
	}
	return &Error{File: f.path, Line: line, Err: err}
}
