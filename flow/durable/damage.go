package durable

import (
	"errors"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
)

// damaged names a file of the job's directory. It is of class Permanent: no error
// of a file may be taken for one of the network.
func (a *files) damaged(file string, err error) error {
	return retry.Mark(&state.DamageError{Dir: a.path, File: filepath.Join(a.keys.dir(), file), Err: err}, retry.Permanent)
}

// ifDamaged is damaged for an error that may be another.
func (a *files) ifDamaged(file string, err error) error {
	if errors.Is(err, segment.ErrDamaged) {
		return a.damaged(file, err)
	}
	return err
}
