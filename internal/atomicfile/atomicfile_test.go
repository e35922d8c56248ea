package atomicfile_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/internal/atomicfile"
)

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// holds requires the files below root to be these.
func holds(t *testing.T, root *os.Root, want map[string]string) {
	t.Helper()
	got := make(map[string]string)
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root.FS(), path)
		got[path] = string(b)
		return err
	})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}

func TestWriteReplacesTheWholeFile(t *testing.T) {
	root := openRoot(t)
	if err := root.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"the first content", "second", ""} {
		if err := atomicfile.Write(root, "dir/file", []byte(content)); err != nil {
			t.Fatal(err)
		}
		holds(t, root, map[string]string{"dir/file": content})
	}
	info, err := root.Stat("dir/file")
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Nobody sees the new content, or a part of it, before all of it is there.
func TestTheOldContentStaysUntilTheNewIsWhole(t *testing.T) {
	root := openRoot(t)
	if err := atomicfile.Write(root, "file", []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.Create(root, "file", func(f *os.File) error {
		if _, err := f.WriteString("new"); err != nil {
			return err
		}
		holds(t, root, map[string]string{"file": "old", "file.tmp": "new"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, root, map[string]string{"file": "new"})
}

func TestAFailureLeavesTheOldContentAndNothingElse(t *testing.T) {
	root := openRoot(t)
	if err := atomicfile.Write(root, "file", []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := atomicfile.Create(root, "file", func(f *os.File) error {
		_, err := f.WriteString("half")
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	holds(t, root, map[string]string{"file": "old"})
	if err := root.Mkdir("dir", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(root, "dir", []byte("x")); err == nil {
		t.Error("a directory was replaced")
	}
	holds(t, root, map[string]string{"file": "old"})
}

// A crash may leave a temporary file, of which nothing may show later.
func TestALeftoverIsOverwritten(t *testing.T) {
	root := openRoot(t)
	if err := root.WriteFile("file.tmp", []byte("a long leftover"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(root, "file", []byte("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, root, map[string]string{"file": "new"})
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	root := openRoot(t)
	if err := root.Symlink("/", "out"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../file", "/file", "out/file", "missing/file", "a\x00b"} {
		if err := atomicfile.Write(root, name, []byte("x")); err == nil {
			t.Errorf("%q was written", name)
		}
	}
	if err := atomicfile.SyncDir(root, "missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err = %v, want fs.ErrNotExist", err)
	}
}
