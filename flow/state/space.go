package state

import (
	"errors"
	"fmt"
)

// DefaultMinFree is enough for what Badger and a batch's files may grow by
// before anybody looks again.
const DefaultMinFree = 512 << 20

// ErrDiskLow says that the disk has less room than Config.MinFree. Badger maps its
// files, so a process that writes to a full disk is killed by the kernel; whoever takes
// in new work should stop before.
var ErrDiskLow = errors.New("state: the disk is almost full")

// Room returns ErrDiskLow if the disk has less room than Config.MinFree. It
// costs one system call. Another process may fill the disk at any time, so
// this makes the worst unlikely, not impossible.
func (d *Dir) Room() error {
	if d.minFree < 0 {
		return nil
	}
	free, err := freeBytes(d.path)
	if err != nil {
		return fmt.Errorf("state: room on disk: %w", err)
	}
	if free < uint64(d.minFree) { //nolint:gosec // not negative
		return fmt.Errorf("%w: %s has %d MiB left, less than %d: free some and go on",
			ErrDiskLow, d.path, free>>20, d.minFree>>20)
	}
	return nil
}
