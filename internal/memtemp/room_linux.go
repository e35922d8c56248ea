package memtemp

import "syscall"

const dir = "/dev/shm"

// room is what may still be written below dir, in bytes; 0 if there is no such
// directory.
func room(dir string) uint64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return s.Bavail * uint64(max(s.Bsize, 0)) //nolint:gosec // never negative
}
