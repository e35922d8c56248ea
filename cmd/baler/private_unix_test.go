//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/sink/simulator"
)

// wantPrivate fails unless all below a directory is for its owner alone.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: mode %04o, want %04o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Whatever the umask is, all that a run leaves is its owner's to read and
// write, and nobody else's, also while it is under way.
func TestWhatARunLeavesIsPrivate(t *testing.T) {
	for _, umask := range []string{"0000", "0777"} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
			writeFile(t, dir, "in.jsonl", tickets(20)...)
			args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--name", "r")
			for _, args := range [][]string{append(args, "--ingest"), {"pause", "r"}, {"resume", "r"}, args, {"export", "r", "--dir", "exported"}} {
				cmd := command(t.Context(), t, dir, withKey)
				cmd = exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", `umask ` + umask + `; exec "$@"`, "sh", cmd.Path}, args...)...) //nolint:gosec // its own
				cmd.Dir, cmd.Env = dir, append([]string{asBaler + "=1", "HOME=" + dir}, withKey...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v: %s", args, err, out)
				}
			}
			wantPrivate(t, filepath.Join(dir, ".baler"))
			wantPrivate(t, filepath.Join(dir, "exported"))
			wantPrivate(t, filepath.Join(dir, "out.jsonl"))
		})
	}
}

// A symbolic link in a state directory, or in its place, is followed nowhere:
// what it leads to is neither read nor written.
func TestLinksInAStateDirectoryAreRefused(t *testing.T) {
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(20)...)
	args := runArgs(server, "in.jsonl", "--out", "out.jsonl", "--model", "m", "--prompt", "{{.text}}", "--name", "r")
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	state := filepath.Join(dir, ".baler")
	var names []string
	for _, pattern := range []string{"", "STATE.json", "index", "index/MANIFEST", "runs", "runs/*", "runs/*/status.json", "job-*", "job-*/*", "job-*/*/*"} {
		found, err := filepath.Glob(filepath.Join(state, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		names = append(names, found...)
	}
	for i, name := range names {
		aside := filepath.Join(dir, fmt.Sprint("aside-", i))
		if i%2 == 1 && name != state { // os.Root follows a link that stays inside
			aside = name + ".aside"
		}
		if err := os.Rename(name, aside); err != nil {
			t.Fatal(err)
		}
		target, err := filepath.Rel(filepath.Dir(name), aside)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
		r := runCommand(t, dir, withKey, args...)
		if r.code == exitOK || !strings.Contains(r.stderr, filepath.Base(name)) {
			t.Errorf("%s: %+v", name, r)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(aside, name); err != nil {
			t.Fatal(err)
		}
	}
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Errorf("%+v", r)
	}
}
