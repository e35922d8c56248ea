//go:build !linux && !darwin && !freebsd

package state

import (
	"os"
)

// ownLock: Badger locks the directory itself.
const ownLock = false

func lock(dir string) (*os.File, error) {
	if err := makePrivate(dir); err != nil {
		return nil, err
	}
	return os.Open(dir)
}
