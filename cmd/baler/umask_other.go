//go:build !unix

package main

// keepPrivate does nothing: there is no umask.
func keepPrivate() {}
