package jobdir

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
)

// Damaged returns an error that names a file of the job's directory. Its class
// is Permanent, so that an error of a file is never taken for one of the
// network.
func (a *Dir) Damaged(file string, err error) error {
	if errors.Is(err, ErrVersion) {
		return retry.Mark(fmt.Errorf("durable: %s: %w", filepath.Join(a.Path, a.Keys.Dir(), file), err), retry.Permanent)
	}
	return retry.Mark(&state.DamageError{Dir: a.Path, File: filepath.Join(a.Keys.Dir(), file), Err: err}, retry.Permanent)
}

// IfDamaged returns Damaged if err says that the file is damaged, and err
// otherwise.
func (a *Dir) IfDamaged(file string, err error) error {
	if errors.Is(err, segment.ErrDamaged) {
		return a.Damaged(file, err)
	}
	return err
}
