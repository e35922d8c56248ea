//go:build linux || darwin || freebsd

package state

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ownLock: Badger need not lock the directory once more.
const ownLock = true

// lock keeps others away from a directory until the file is closed or the
// process is gone. It locks what Badger would, before its files are read.
func lock(dir string) (*os.File, error) {
	if err := makePrivate(dir); err != nil {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(fmt.Errorf("%w: %s is open in another process, or in this one: wait until it is done", ErrInUse, dir), f.Close())
	default:
		return nil, errors.Join(fmt.Errorf("state: lock %s: %w", dir, err), f.Close())
	}
}
