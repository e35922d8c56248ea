package main

import (
	"errors"
	"fmt"
)

// The exit codes of run and of wait. Of the other commands, 0 means that they
// did what they were asked.
const (
	exitOK        = 0 // every row succeeded
	exitFailed    = 1 // some rows failed, and are in the output with their error; or the run was cancelled
	exitUsage     = 2 // the command, the input, the key or the state is at fault
	exitResumable = 3 // stopped; the same command goes on
)

// exitError is an error that knows the exit code. An empty one prints nothing
// that was not printed already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// refusedState explains why a state directory cannot be opened. The same
// command helps only if the directory is in use or its disk has no space.
func refusedState(err error, dir string) error {
	s := &stop{err: err, state: dir, again: sameCommand}
	exit, ok := errors.AsType[*exitError](s.explain())
	if ok && exit.code == exitResumable && s.kind().name == "other" {
		return usage("%w", err)
	}
	return s.explain()
}

// sameCommand is what makes most runs go on.
const sameCommand = "the same command again"

// failedRowsError is how a run ends that is finished but not with all rows.
type failedRowsError struct{ failed int }

func (e *failedRowsError) Error() string {
	return rowCount(e.failed) + ` failed: see "error" in the output`
}

// exitCode is 2 unless the error says otherwise, for it is cobra that found
// something wrong with the command line.
func exitCode(err error) int {
	var exit *exitError
	var failed *failedRowsError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &failed):
		return exitFailed
	case errors.As(err, &exit):
		return exit.code
	}
	return exitUsage
}
