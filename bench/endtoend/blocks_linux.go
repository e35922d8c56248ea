package main

import (
	"io/fs"
	"syscall"
)

// blocks is the room that a file takes, which for a sparse one is less than its
// size.
func blocks(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}
