//go:build !unix

package main

// heldAtMost is how many calls a proxy may hold; 0: any number.
func heldAtMost() int { return 0 }
