package durable

import (
	"fmt"
	"path/filepath"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/retry"
)

// damaged is a state.ErrDamaged that names a file of the job's directory and
// says what to do. It is of class Permanent: no error of a file may be taken for
// one of the network.
func (a *archive) damaged(file string, err error) error {
	return retry.Mark(fmt.Errorf("%w: %s: %w: %s",
		state.ErrDamaged, filepath.Join(a.path, a.keys.dir(), file), err, state.Advice(a.path)), retry.Permanent)
}
