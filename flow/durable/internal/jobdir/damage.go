package jobdir

import (
	"errors"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
)

// Damaged names a file of the job's directory. It is of class Permanent: no error
// of a file may be taken for one of the network.
func (a *Dir) Damaged(file string, err error) error {
	return retry.Mark(&state.DamageError{Dir: a.Path, File: filepath.Join(a.Keys.Dir(), file), Err: err}, retry.Permanent)
}

// IfDamaged is damaged for an error that may be another.
func (a *Dir) IfDamaged(file string, err error) error {
	if errors.Is(err, segment.ErrDamaged) {
		return a.Damaged(file, err)
	}
	return err
}
