//go:build unix

package main

import "syscall"

// heldAtMost is how many calls a proxy may hold: it has a file for each, and
// needs some for itself. The runtime has raised the limit as far as it goes.
func heldAtMost() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil || limit.Cur > 1<<24 {
		return 0
	}
	return max(int(limit.Cur)-ownFiles, 16) //nolint:gosec // bounded
}

// ownFiles is how many files a proxy needs for itself.
const ownFiles = 256
