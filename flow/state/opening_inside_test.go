package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A directory that another process is about to open, and to say whose it is, is
// in use already.
func TestDirIsOpenedByOneAtATime(t *testing.T) {
	if !ownLock {
		t.Skip("no locks on this system")
	}
	path := filepath.Join(t.TempDir(), "state")
	opening, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := Open(path, Config{}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened while another does: %v, %v", d, err)
	}
	if _, err := os.Stat(filepath.Join(path, identityFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s was written: %v", identityFile, err)
	}
	if err := opening.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
