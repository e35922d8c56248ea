package state

import (
	"fmt"
	"path/filepath"
)

// DamageError is a file of a state directory that does not hold what was
// written to it. It is an ErrDamaged.
type DamageError struct {
	Dir  string // the state directory
	File string // in it
	Err  error
}

// Error names the file and says what to do.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%v: %s: %v: see %s", ErrDamaged, filepath.Join(e.Dir, e.File), e.Err, doctor(e.Dir))
}

// Unwrap makes it an ErrDamaged.
func (e *DamageError) Unwrap() []error { return []error{ErrDamaged, e.Err} }

// doctor is the command that examines a directory.
func doctor(dir string) string { return "baler doctor --state " + dir }
