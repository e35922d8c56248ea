//go:build !linux && !darwin && !freebsd

package state

import (
	"fmt"
	"os"
)

// ownLock: Badger locks the directory itself.
const ownLock = false

func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return os.Open(dir)
}
