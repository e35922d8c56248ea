package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/sink/simulator"
)

// Whoever names a directory makes nothing, and holds nothing that others need.
func TestOpenLocksAndMakesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state")
	d, err := durable.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Runs(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was made: %v", err)
	}
	other, err := state.Open(path, d.Config())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Store(); !errors.Is(err, state.ErrInUse) {
		t.Errorf("error %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesWhatIsNoStateDirectory(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		make func(path string) error
		says string
	}{
		"a file":                 {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "not a directory"},
		"open to others":         {func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o755)) }, "chmod 700"}, //nolint:gosec // what is refused
		"another program's":      {func(path string) error { return errors.Join(os.Mkdir(path, 0o700), os.Mkdir(path+"/x", 0o700)) }, "other files"},
		"of a newer schema":      {withIdentity(`{"schema":99}`), "has schema 99"},
		"a link":                 {func(path string) error { return os.Symlink(".", path) }, "symbolic link"},
		"empty, which can be":    {func(path string) error { return os.Mkdir(path, 0o700) }, ""},
		"damaged, for a doctor":  {withIdentity(`{"schema"`), ""},
		"not there, which it is": {func(string) error { return nil }, ""},
	} {
		path := filepath.Join(t.TempDir(), "state")
		if err := test.make(path); err != nil {
			t.Fatal(err)
		}
		_, err := durable.Open(path)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func withIdentity(text string) func(path string) error {
	return func(path string) error {
		return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, "STATE.json"), []byte(text), 0o600))
	}
}

// A process has the index open once, by whatever name, until nobody uses it.
func TestTheIndexIsSharedInAProcess(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", durabletest.Tickets(20)...)
	if err := os.Symlink(w.Dir, w.Path("link")); err != nil {
		t.Fatal(err)
	}
	linked, err := w.OpenDir(filepath.Join("link", "state")).Store() // which makes it
	if err != nil {
		t.Fatal(err)
	}
	w.MustRun(w.Job())
	second, err := w.StateDir().Store()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(linked.Close(), linked.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(w.Path("state"), w.StateDir().Config()); !errors.Is(err, state.ErrInUse) {
		t.Errorf("the second user: error %v", err)
	}
	if _, err := second.Get(t.Context(), []byte("x")); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	free, err := state.Open(w.Path("state"), w.StateDir().Config())
	if err != nil {
		t.Fatal(err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
}
