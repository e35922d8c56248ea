package state

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// DefaultMinFree is enough for what Badger and a batch's files may grow by
// before anybody looks again.
const DefaultMinFree = 512 << 20

// What is left alone for Badger to flush and to compact its tables in: nothing
// is committed any more if there is less, as a process that writes to a full
// disk through a mapped file is killed, and Badger waits for ever for a new
// file.
const (
	reserveBytes  = 64 << 20
	reserveInodes = 32
	minInodes     = 8 * reserveInodes // for taking in new work
)

// ErrDiskLow means that the disk has less room than Config.MinFree, or no room
// for more files. Badger maps its files, so a process that writes to a full
// disk is killed by the kernel; whoever takes in new work should stop before.
var ErrDiskLow = errors.New("state: the disk is almost full")

// FreeSpace returns ErrDiskLow if the disk has less room than Config.MinFree,
// or can hold few more files. It costs one system call. Another process may
// fill the disk at any time, so this makes the worst unlikely, not impossible.
func (d *Dir) FreeSpace() error { return d.FreeSpaceFor(0) }

// FreeSpaceFor is FreeSpace once so many bytes more are written.
func (d *Dir) FreeSpaceFor(bytes int64) error {
	if d.minFree < 0 {
		return nil
	}
	return freeSpace(d.path, d.minFree+bytes, minInodes)
}

// Commit implements Store. It commits nothing, and returns ErrDiskLow, if there
// is so little room that Badger may need all of it.
func (d *Dir) Commit(ctx context.Context, ops ...Op) error {
	if err := reserve(d.path, d.minFree); err != nil {
		return err
	}
	return d.Badger.Commit(ctx, ops...)
}

// reserve is Room for what cannot wait.
func reserve(path string, minFree int64) error {
	return freeSpace(path, min(reserveBytes, minFree), reserveInodes)
}

func freeSpace(path string, bytes int64, inodes uint64) error {
	if bytes < 0 {
		return nil
	}
	freeBytes, freeInodes, err := free(path)
	if err != nil {
		return fmt.Errorf("state: room on disk: %w", err)
	}
	switch {
	case freeBytes < uint64(bytes): //nolint:gosec // not negative
		return fmt.Errorf("%w: that of %s has %d MiB left, less than %d", ErrDiskLow, path, freeBytes>>20, bytes>>20)
	case freeInodes < inodes:
		return fmt.Errorf("%w: that of %s has room for %d more files (inodes), less than %d", ErrDiskLow, path, freeInodes, inodes)
	}
	return nil
}

// unknownRoom is more than anybody asks for.
const unknownRoom = math.MaxUint64
