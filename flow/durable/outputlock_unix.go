//go:build linux || darwin || freebsd

package durable

import (
	"errors"
	"os"
	"syscall"
)

// lockOutput locks a file until it is closed, and reports whether it was free.
// A file system that cannot lock locks nothing.
func lockOutput(f *os.File) (free bool, err error) {
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLCK),
		errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL):
		return true, nil
	}
	return true, err
}
