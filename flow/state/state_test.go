package state_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/flow/state/statetest"
	"github.com/balerhq/baler/internal/memtemp"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(asOpener); path != "" {
		openAndTell(path)
		os.Exit(0)
	}
	if path := os.Getenv(asFiller); path != "" {
		fillUp(path)
	}
	memtemp.Use()
	goleak.VerifyTestMain(m)
}

var quiet = state.Config{Log: slog.New(slog.DiscardHandler)}

func TestMemory(t *testing.T) {
	statetest.Run(t, func(*testing.T) state.Store { return state.NewMemory() })
}

func TestBadger(t *testing.T) {
	statetest.Run(t, func(t *testing.T) state.Store {
		t.Helper()
		b, err := state.OpenBadger(t.TempDir(), quiet.Log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return b
	})
}

func mustOpen(t *testing.T, path string) *state.Dir {
	t.Helper()
	d, err := state.Open(path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustClose(t *testing.T, d *state.Dir) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDirRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d := mustOpen(t, path)
	if err := d.Commit(t.Context(), state.Insert([]byte("k"), []byte("v"))); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	d = mustOpen(t, path)
	defer mustClose(t, d)
	r, err := d.Get(t.Context(), []byte("k"))
	if err != nil || string(r.Value) != "v" || r.Rev != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestDirIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	mustClose(t, mustOpen(t, path))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "chmod 700")
}

func TestDirSaysWhenTheDiskIsAlmostFull(t *testing.T) {
	for minFree, want := range map[int64]error{1: nil, 1 << 60: state.ErrDiskLow, -1: nil} {
		d, err := state.Open(filepath.Join(t.TempDir(), "s"), state.Config{Log: quiet.Log, MinFree: minFree})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.FreeSpace(); !errors.Is(err, want) {
			t.Errorf("with MinFree %d: %v, want %v", minFree, err, want)
		}
		if err := d.FreeSpaceFor(1 << 60); errors.Is(err, state.ErrDiskLow) != (minFree >= 0) {
			t.Errorf("with MinFree %d there is room for more than a disk has: %v", minFree, err)
		}
		mustClose(t, d)
	}
}

func TestDirHasOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	defer mustClose(t, mustOpen(t, path))
	refused(t, path, "another process")
}

func TestDirRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		write(t, path, "")
		refused(t, path, "not a directory")
	})
	t.Run("other files", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "letters.txt"), "")
		refused(t, dir, "letters.txt")
	})
	t.Run("another schema", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		mustClose(t, mustOpen(t, path))
		write(t, filepath.Join(path, "STATE.json"), `{"schema":99}`)
		refused(t, path, "schema 99")
	})
	t.Run("a torn identity", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		mustClose(t, mustOpen(t, path))
		write(t, filepath.Join(path, "STATE.json"), `{"sch`)
		refused(t, path, "damaged")
	})
}

func TestDirOpensWhereAFirstOpenWasCutShort(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "STATE.json.tmp"), `{"sch`)
	mustClose(t, mustOpen(t, path))
}

// A process that is killed while Badger creates or deletes a file leaves it
// empty.
func TestDirOpensBesideEmptyLogs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := mustOpen(t, path)
	if err := d.Commit(t.Context(), state.Insert([]byte("k"), []byte("v"))); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	for _, name := range []string{"000000.vlog", "000099.vlog", "00001.mem", "00099.mem"} {
		write(t, filepath.Join(path, "index", name), "")
	}
	d = mustOpen(t, path)
	defer mustClose(t, d)
	if _, err := d.Get(t.Context(), []byte("k")); err != nil {
		t.Error(err)
	}
}

// Badger opens as empty when its manifest is gone; the directory must not.
func TestDirNoticesALostManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := mustOpen(t, path)
	if err := d.Commit(t.Context(), state.Insert([]byte("k"), []byte("v"))); err != nil {
		t.Fatal(err)
	}
	mustClose(t, d)
	if err := os.Remove(filepath.Join(path, "index", "MANIFEST")); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "manifest: it is missing")
}

func refused(t *testing.T, path, reason string) {
	t.Helper()
	d, err := state.Open(path, quiet)
	if err == nil {
		_ = d.Close()
		t.Fatalf("opened, want an error about %q", reason)
	}
	if !strings.Contains(strings.ToLower(err.Error()), reason) {
		t.Errorf("error %q does not mention %q", err, reason)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), fs.FileMode(0o600)); err != nil {
		t.Fatal(err)
	}
}

// Two directories that were opened as often as each other hold files that look
// alike: an index or an identity that went from one to the other is noticed.
func TestDirRefusesTheFilesOfAnother(t *testing.T) {
	for _, name := range []string{"index", "STATE.json"} {
		t.Run(name, func(t *testing.T) {
			var dirs [2]string
			for i := range dirs {
				dirs[i] = filepath.Join(t.TempDir(), "s")
				mustClose(t, mustOpen(t, dirs[i]))
			}
			aside := filepath.Join(t.TempDir(), "aside")
			for _, move := range [][2]string{
				{filepath.Join(dirs[0], name), aside},
				{filepath.Join(dirs[1], name), filepath.Join(dirs[0], name)},
			} {
				if err := os.Rename(move[0], move[1]); err != nil {
					t.Fatal(err)
				}
			}
			refused(t, dirs[0], "another's")
			if _, err := state.RebuildIndex(t.Context(), dirs[0], quiet.Log, func(*os.Root, state.Store) error { return nil }); err != nil {
				t.Fatal(err)
			}
			mustClose(t, mustOpen(t, dirs[0]))
		})
	}
}
