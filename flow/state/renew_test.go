package state_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/state"
)

func rebuildIndex(t *testing.T, path string, err error) (string, error) {
	t.Helper()
	return state.RebuildIndex(t.Context(), path, slog.New(slog.DiscardHandler), func(_ *os.Root, index state.Store) error {
		return errors.Join(index.Commit(t.Context(), state.Insert([]byte("new"), []byte("v"))), err)
	})
}

func has(t *testing.T, d *state.Dir, key string) bool {
	t.Helper()
	_, err := d.Get(t.Context(), []byte(key))
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestRenewReplacesTheIndex(t *testing.T) {
	for how, harmIt := range map[string]func(path string) error{
		"whole":       func(string) error { return nil },
		"no manifest": func(path string) error { return os.Remove(filepath.Join(path, "index", "MANIFEST")) },
		"no index":    func(path string) error { return os.RemoveAll(filepath.Join(path, "index")) },
		"no identity": func(path string) error { return os.Remove(filepath.Join(path, "STATE.json")) },
		"cut short":   func(path string) error { return os.Mkdir(filepath.Join(path, "index.new"), 0o700) },
	} {
		t.Run(how, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			d := mustOpen(t, path)
			if err := d.Commit(t.Context(), state.Insert([]byte("old"), []byte("v"))); err != nil {
				t.Fatal(err)
			}
			mustClose(t, d)
			if err := harmIt(path); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"damaged-1", "damaged-2"} {
				if aside, err := rebuildIndex(t, path, nil); err != nil || aside != want {
					t.Fatalf("%q, %v, want %q", aside, err, want)
				}
			}
			d = mustOpen(t, path)
			defer mustClose(t, d)
			if has(t, d, "old") || !has(t, d, "new") {
				t.Error("it is not the new index")
			}
		})
	}
}

func TestRenewThatFailsChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := mustOpen(t, path)
	if err := d.Commit(t.Context(), state.Insert([]byte("old"), []byte("v"))); err != nil {
		t.Fatal(err)
	}
	if _, err := rebuildIndex(t, path, nil); !errors.Is(err, state.ErrInUse) {
		t.Errorf("while it is open: %v", err)
	}
	mustClose(t, d)
	failed := errors.New("failed")
	if _, err := rebuildIndex(t, path, failed); !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	d = mustOpen(t, path)
	defer mustClose(t, d)
	if !has(t, d, "old") || has(t, d, "new") {
		t.Error("the index has changed")
	}
	if _, err := rebuildIndex(t, filepath.Join(path, "elsewhere"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
}
