// Package memtemp lets tests keep their temporary files in memory. Databases
// that are opened and closed by the hundred otherwise wait for the disk most of
// the time. A process that is killed leaves the same behind in both places;
// what a power failure leaves, no test here can tell.
package memtemp

import "os"

// enough is the room that tests should find, in bytes. A container often has
// 64 MiB there, which is not.
const enough = 2 << 30

// Use makes os.TempDir a directory in memory where the system has one with room
// to spare. It changes nothing if TMPDIR is set: TMPDIR=/tmp go test ./... uses
// the disk. It is for TestMain, before any test runs, and child processes of
// the tests inherit it.
func Use() {
	if os.Getenv("TMPDIR") != "" || room(dir) < enough {
		return
	}
	_ = os.Setenv("TMPDIR", dir) // else the disk serves as well
}
