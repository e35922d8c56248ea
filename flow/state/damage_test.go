package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/sparse"
)

const damageRecords = 3000

func damageKey(i int) []byte { return fmt.Appendf(nil, "key %06d", i) }

// fill commits records, a few at a time.
func fill(t *testing.T, d *state.Dir, from, to int) {
	t.Helper()
	for i := from; i < to; i += 20 {
		var ops []state.Op
		for n := range 20 {
			ops = append(ops, state.Put(damageKey(i+n), bytes.Repeat(damageKey(i+n), 40), 1))
		}
		if err := d.Commit(t.Context(), ops...); err != nil {
			t.Fatal(err)
		}
	}
}

// killedDir is a directory as a process leaves it that was killed: with tables
// and with a log of commits.
func killedDir(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "killed")
	d := mustOpen(t, path)
	fill(t, d, 0, damageRecords/2)
	mustClose(t, d)
	d = mustOpen(t, path)
	fill(t, d, damageRecords/2, damageRecords)
	killed := copyDir(t, path)
	mustClose(t, d)
	if err := os.RemoveAll(path); err != nil { // beside it, copies are refused
		t.Fatal(err)
	}
	return killed
}

func copyDir(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := sparse.CopyDir(path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// missing counts the records that are not what they were.
func missing(d *state.Dir) (n int, err error) {
	for i := range damageRecords {
		r, err := d.Get(context.Background(), damageKey(i))
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return n, err
		}
		if err != nil || !bytes.Equal(r.Value, bytes.Repeat(damageKey(i), 40)) {
			n++
		}
	}
	return n, nil
}

// damage is one way to harm a file.
type damage struct {
	name string
	do   func(b []byte) []byte // nil deletes it
}

func flip(name string, at func(size int) int) damage {
	return damage{name, func(b []byte) []byte {
		b[at(len(b))] ^= 1 << 3
		return b
	}}
}

func truncate(name string, to func(size int) int) damage {
	return damage{name, func(b []byte) []byte { return b[:to(len(b))] }}
}

var damages = []damage{
	{"deleted", func([]byte) []byte { return nil }},
	truncate("emptied", func(int) int { return 0 }),
	truncate("cut at 5 bytes", func(n int) int { return min(5, n) }),
	truncate("cut in half", func(n int) int { return n / 2 }),
	truncate("without 5 bytes at its end", func(n int) int { return max(0, n-5) }),
	flip("flipped at its start", func(int) int { return 1 }),
	flip("flipped behind its head", func(n int) int { return min(25, n-1) }),
	flip("flipped at its end", func(n int) int { return max(0, n-2) }),
	flip("flipped near its end", func(n int) int { return max(0, n-9) }),
	flip("flipped anywhere", rand.IntN),
}

func harm(t *testing.T, file string, d damage) {
	t.Helper()
	f, err := sparse.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if b := d.do(f.Bytes()); b == nil {
		err = os.Remove(file)
	} else {
		err = sparse.Of(b).Write(file)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever happens to a file of the index, the directory is refused, with the
// name of a file and what to do, or holds every record. Never does it open
// without an error and with less, and never does it die.
func TestDamageIsRefusedOrHarmless(t *testing.T) {
	killed := killedDir(t)
	files, err := filepath.Glob(filepath.Join(killed, "index", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(killed, "STATE.json"))
	for _, file := range files {
		for i, d := range damages {
			if testing.Short() && i%3 > 0 {
				continue // each costs a process, which is slow under the race detector
			}
			name, _ := filepath.Rel(killed, file)
			t.Run(name+" "+d.name, func(t *testing.T) {
				t.Parallel()
				path := copyDir(t, killed)
				harm(t, filepath.Join(path, name), d)
				wantRefusedOrWhole(t, path)
			})
		}
	}
}

func wantRefusedOrWhole(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), asOpener+"="+path)
	out, err := cmd.CombinedOutput()
	switch s := string(out); {
	case err == nil && s == "missing: 0":
	case err == nil && strings.HasPrefix(s, "refused: ") && strings.Contains(s, path) && strings.Contains(s, "baler doctor"):
	default:
		t.Errorf("%v: %s", err, s)
	}
}

// asOpener makes the test binary open a directory and say how that went: what
// Badger leaves behind when it fails, or dies of, is then the process's.
const asOpener = "STATE_TEST_OPEN"

func openAndTell(path string) {
	d, err := state.Open(path, quiet)
	if err != nil {
		fmt.Printf("refused: %v", err)
		return
	}
	defer d.Close()
	n, err := missing(d)
	if err != nil {
		fmt.Print(err)
		return
	}
	fmt.Printf("missing: %d", n)
}

// Each of the last bytes of what Badger depends on most is flipped in turn: it
// reads lengths there, which it trusts.
func TestFlippedLengthsAreRefusedOrHarmless(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each byte")
	}
	killed := killedDir(t)
	tables, err := filepath.Glob(filepath.Join(killed, "index", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, file := range []string{filepath.Join(killed, "index", "MANIFEST"), tables[0]} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size := int(info.Size())
		for at := size - 1; at >= size-14; at-- {
			name, _ := filepath.Rel(killed, file)
			t.Run(fmt.Sprintf("%s %d", name, at), func(t *testing.T) {
				t.Parallel()
				path := copyDir(t, killed)
				harm(t, filepath.Join(path, name), flip("", func(int) int { return at }))
				wantRefusedOrWhole(t, path)
			})
		}
	}
}

// Power failure may tear the commit that was being written, of which nobody was
// told that it had happened.
func TestATornLastCommitIsNotDamage(t *testing.T) {
	path := killedDir(t)
	logs, err := filepath.Glob(filepath.Join(path, "index", "*.mem"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	harm(t, logs[len(logs)-1], damage{do: func(b []byte) []byte {
		end := len(bytes.TrimRight(b, "\x00"))
		clear(b[end-40 : end])
		return b
	}})
	d := mustOpen(t, path)
	defer mustClose(t, d)
	if n, err := missing(d); n != 20 || err != nil {
		t.Errorf("%d records are missing, want those of one commit: %v", n, err)
	}
}
