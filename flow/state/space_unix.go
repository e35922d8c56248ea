//go:build linux || darwin || freebsd

package state

import "syscall"

// freeBytes is what an ordinary user may still write on path's file system.
func freeBytes(path string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil //nolint:gosec,unconvert // types differ by system
}
