package main

import (
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
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

func resumable(err error) error {
	return &exitError{exitResumable, fmt.Errorf("stopped: %w; run the same command again to go on", err)}
}

// refusedState is why a state directory cannot be opened. One that is in use needs
// no other command, only patience.
func refusedState(err error) error {
	if errors.Is(err, state.ErrInUse) {
		return &exitError{exitResumable, err}
	}
	return usage("%w", err)
}

// failedRowsError is how a run ends that is finished but not with all rows.
type failedRowsError struct{ failed int }

func (e *failedRowsError) Error() string {
	return fmt.Sprintf("%d rows failed: see their \"error\" in the output", e.failed)
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

// inputAtFault returns what is wrong with a row, a file or the state, as
// briefly as it can be said; nil if none of these is at fault.
func inputAtFault(err error, name string) error {
	var row *durable.InputError
	var file *source.Error
	var mismatch *durable.MismatchError
	var damage *state.DamageError
	switch {
	case errors.As(err, &row):
		return row
	case errors.Is(err, source.ErrDelimiter):
		return fmt.Errorf("%w with --delimiter", err)
	case errors.As(err, &file):
		return file
	case errors.As(err, &mismatch):
		return explainMismatch(mismatch, name)
	case errors.As(err, &damage):
		return damage
	case errors.Is(err, state.ErrDamaged):
		return fmt.Errorf("%w: see baler doctor", err)
	}
	return nil
}

// explainMismatch says how to have an output again that somebody has changed.
func explainMismatch(m *durable.MismatchError, name string) error {
	if m.Output == "" {
		return m
	}
	return fmt.Errorf("%w, or move it away and have it written again by: baler results %s --out %s", m, name, m.Output)
}
