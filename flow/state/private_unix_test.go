//go:build unix

package state_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/state"
)

// A program that uses the package may have any umask. What a closed directory
// holds is private nevertheless, and so is all that a copy with other modes has
// widened.
func TestDirIsPrivateUnderAnyUmask(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, umask := range []string{"0000", "0777"} {
		t.Run(umask, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			for range 2 {
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", fmt.Sprintf("umask %s; exec %q", umask, self)) //nolint:gosec // itself
				cmd.Env = append(os.Environ(), asOpener+"="+path)
				if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "missing") {
					t.Fatalf("%v: %s", err, out)
				}
				wantModes(t, path)
			}
			if err := os.Chmod(filepath.Join(path, "STATE.json"), 0o644); err != nil { //nolint:gosec // the fault
				t.Fatal(err)
			}
			mustClose(t, mustOpen(t, path))
			wantModes(t, path)
		})
	}
}

func wantModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if want := fs.FileMode(0o600); err == nil && info.Mode().Perm() != want && (!d.IsDir() || info.Mode().Perm() != 0o700) {
			t.Errorf("%s: mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDirRefusesLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	mustClose(t, mustOpen(t, path))
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	refused(t, link, "symbolic link")
	if err := os.Symlink("STATE.json", filepath.Join(path, "inside")); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "inside")
	if _, err := state.RebuildIndex(t.Context(), path, quiet.Log, nil); err == nil || !strings.Contains(err.Error(), "inside") {
		t.Errorf("renew: %v", err)
	}
}
