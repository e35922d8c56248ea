//go:build unix

package main

import "syscall"

// keepPrivate makes all files of the process the owner's alone, those of Badger
// included, whatever the umask was.
func keepPrivate() { syscall.Umask(0o077) }
