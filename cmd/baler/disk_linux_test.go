package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/balerhq/baler/sink/simulator"
)

// mounted is a directory with a file system of its own.
func mounted(t *testing.T, args ...string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("mounts a disk and fills it")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can mount a disk")
	}
	dir = t.TempDir()
	mount(t, append(args, dir)...)
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.Background(), "umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
	return dir
}

func mount(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "mount", args...).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a disk here: %v: %s", err, out)
	}
}

// image is a disk of 1 GB that can hold a thousand files or so.
func image(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-N", "1000", path).CombinedOutput(); err != nil {
		t.Skipf("cannot make a disk here: %v: %s", err, out)
	}
	return path
}

// fillRoom takes all room but a little, without writing to it.
func fillRoom(t *testing.T, dir string) {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	size := strconv.FormatInt(int64(s.Bavail)*s.Bsize-(20<<20), 10)
	if out, err := exec.CommandContext(t.Context(), "fallocate", "-l", size, filepath.Join(dir, "filler")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// fillInodes makes files until there can be no more.
func fillInodes(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(dir, "filler"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		f, err := os.Create(filepath.Join(dir, "filler", strconv.Itoa(i)))
		if err != nil {
			return
		}
		_ = f.Close()
	}
}

// A disk that fills up while batches are open ends the run with a word that
// helps, and once there is room it goes on.
func TestTheDiskOfTheStateFillsUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fill func(*testing.T, string)
		want string
	}{
		"room":   {fillRoom, "MiB left"},
		"inodes": {fillInodes, "inodes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := mounted(t, "-o", "loop", image(t))
			server, dir := startSimulator(t, anHour), t.TempDir()
			writeFile(t, dir, "in.jsonl", tickets(150)...)
			args := ask(server, "out.jsonl", "--state", filepath.Join(disk, "state"))
			run := startCommand(t, dir, args...)
			waitForBatches(t, server, 2)
			test.fill(t, disk)
			if err := server.Advance(2 * time.Hour); err != nil {
				t.Fatal(err)
			}
			r := run.end()
			if r.code != exitResumable || !strings.Contains(r.stderr, test.want) || !strings.Contains(r.stderr, "make room") || !strings.Contains(r.stderr, disk) {
				t.Errorf("%+v", r)
			}
			if r := runCommand(t, dir, withKey, args...); r.code != exitResumable || !strings.Contains(r.stderr, test.want) {
				t.Errorf("and again: %+v", r)
			}
			if err := os.RemoveAll(filepath.Join(disk, "filler")); err != nil {
				t.Fatal(err)
			}
			if r := runCommand(t, dir, withKey, args...); r.code != exitOK || len(readResults(t, filepath.Join(dir, "out.jsonl"))) != 150 {
				t.Errorf("with room: %+v", r)
			}
		})
	}
}

func TestTheDiskOfTheOutputFillsUp(t *testing.T) {
	t.Parallel()
	disk := mounted(t, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(150)...)
	out := filepath.Join(disk, "out.jsonl")
	args := ask(server, out)
	if r := runCommand(t, dir, withKey, args...); r.code != exitResumable || !strings.Contains(r.stderr, out+": no space left") || !strings.Contains(r.stderr, "make room") {
		t.Errorf("%+v", r)
	}
	mount(t, "-o", "remount,size=8m", disk)
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK || len(readResults(t, out)) != 150 {
		t.Errorf("with room: %+v", r)
	}
	if n := len(server.Batches()); n != 2 {
		t.Errorf("%d batches", n)
	}
}

func TestTheDiskIsReadOnly(t *testing.T) {
	t.Parallel()
	disk := mounted(t, "-t", "tmpfs", "-o", "size=600m", "tmpfs")
	server, dir := startSimulator(t, simulator.Config{}), t.TempDir()
	writeFile(t, dir, "in.jsonl", tickets(5)...)
	args := ask(server, "out.jsonl", "--state", filepath.Join(disk, "state"))
	if r := runCommand(t, dir, withKey, args...); r.code != exitOK {
		t.Fatalf("%+v", r)
	}
	mount(t, "-o", "remount,ro", disk)
	for _, args := range [][]string{args, ask(server, "out2.jsonl", "--state", filepath.Join(disk, "new")), ask(server, filepath.Join(disk, "out.jsonl"))} {
		r := runCommand(t, dir, withKey, args...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "read-only file system") || !strings.Contains(r.stderr, disk) || strings.Contains(r.stderr, "doctor") {
			t.Errorf("%+v", r)
		}
	}
}
