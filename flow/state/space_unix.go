//go:build linux || darwin || freebsd

package state

import "syscall"

// free is what an ordinary user may still write on path's file system, and how
// many files it can still make there.
func free(path string) (bytes, inodes uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	inodes = unknownRoom
	if s.Files > 0 { // else they are made as they are needed
		inodes = uint64(max(s.Ffree, 0)) //nolint:gosec,unconvert // types differ by system
	}
	return uint64(s.Bavail) * uint64(s.Bsize), inodes, nil //nolint:gosec,unconvert // types differ by system
}
