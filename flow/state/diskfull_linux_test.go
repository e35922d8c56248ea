package state_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// smallDisk is a file system of 80 MB, of which ballast can be thrown off.
func smallDisk(t *testing.T) (dir, ballast string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 80<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("cannot have a small disk here: %v: %s", err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	ballast = filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, bytes.Repeat([]byte{1}, 55<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ballast
}

// A full disk ends the process that writes, as Badger maps its files. It does
// so with a word, and what was acknowledged is there once there is room.
func TestAFullDiskLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("mounts a disk and fills it")
	}
	dir, ballast := smallDisk(t)
	path := filepath.Join(dir, "state")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), asFiller+"="+path)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err == nil || stderr.Len() == 0 {
		t.Fatalf("it ended without a word: %v", err)
	}
	lines := strings.Fields(stdout.String())
	acknowledged, err := strconv.Atoi(lines[len(lines)-1])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged, then: %.60q", acknowledged, stderr.String())

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), self)
	check.Env = append(os.Environ(), asFiller+"="+path, fillerHas+"="+strconv.Itoa(acknowledged))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
