//go:build unix

package source

import (
	"path/filepath"
	"syscall"
	"testing"
)

// To open a named pipe would wait for a writer that never comes.
func TestNamedPipesAndDevices(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, "/dev/zero"} {
		_, err := collect(Rows(path))
		wantError(t, err, 0, "not a regular file")
		wantError(t, Rows(path).Resume("{}"), 0, "not a regular file")
	}
}
