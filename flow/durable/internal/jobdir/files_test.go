package jobdir

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"
)

// A file that was damaged at its size is written again.
func TestKeepFileTrustsNoDamagedFile(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	a := Dir{Root: root}
	data := []byte("content")
	sum := sha256.Sum256(data)
	kept := hex.EncodeToString(sum[:])
	name, err := FileName(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.KeepFile(kept, data); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile(name, []byte("Content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.KeepFile(kept, data); err != nil {
		t.Fatal(err)
	}
	if got, err := a.ReadFile(kept); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
}
