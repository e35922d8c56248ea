//go:build !profile

package main

// startProfile does nothing unless the command is built to be profiled.
func startProfile() (stop func()) { return func() {} }
