package durabletest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/durable/doctor"
	"github.com/balerhq/baler/flow/state"
)

// Harms are what happens to a file; nil deletes it.
var Harms = map[string]func([]byte) []byte{
	"deleted": func([]byte) []byte { return nil },
	"emptied": func([]byte) []byte { return []byte{} },
	"cut":     func(b []byte) []byte { return b[:len(b)/2] },
	"torn":    func(b []byte) []byte { return b[:max(0, len(b)-7)] },
	"flipped": func(b []byte) []byte {
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
		return b
	},
}

// Harm does one of the Harms to a file.
func Harm(tb testing.TB, file string, how func([]byte) []byte) {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if b = how(bytes.Clone(b)); b == nil {
		err = os.Remove(file)
	} else {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Exchange gives two files each other's names.
func Exchange(tb testing.TB, a, b string) {
	tb.Helper()
	for _, move := range [][2]string{{a, a + ".aside"}, {b, a}, {a + ".aside", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			tb.Fatal(err)
		}
	}
}

// JobDir returns the directory of the only job that was not there before.
func (w *World) JobDir(before ...string) string {
	w.T.Helper()
	found, err := filepath.Glob(w.Path("state/job-*"))
	found = slices.DeleteFunc(found, func(dir string) bool { return slices.Contains(before, dir) })
	if err != nil || len(found) != 1 {
		w.T.Fatalf("jobs %v, %v", found, err)
	}
	return found[0]
}

// FirstOf returns the first n files that match, and fails if there are fewer.
func FirstOf(tb testing.TB, pattern string, n int) []string {
	tb.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) < n {
		tb.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[:n]
}

// LoseIndex deletes what Badger holds.
func (w *World) LoseIndex() {
	w.T.Helper()
	if err := os.RemoveAll(w.Path("state/index")); err != nil {
		w.T.Fatal(err)
	}
	if d, err := state.Open(w.Path("state"), state.Config{Log: Quiet}); !errors.Is(err, state.ErrDamaged) {
		_ = d.Close()
		w.T.Fatalf("error %v, want one of a lost index", err)
	}
}

// Rebuild makes the index again.
func (w *World) Rebuild() {
	w.T.Helper()
	aside, err := doctor.Rebuild(w.T.Context(), w.StateDir())
	if err != nil {
		w.T.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.Path("state"), aside, "index")); err != nil {
		w.T.Errorf("the old index is not where it should be: %v", err)
	}
}
