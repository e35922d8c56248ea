//go:build !linux

package main

// resetPeak cannot tell what this process has in memory.
func resetPeak() int64 { return -1 }

func peak() int64 { return -1 }
