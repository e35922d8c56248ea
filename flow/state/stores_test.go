package state_test

import (
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/state"
)

// onEachStore runs test on every kind of store, empty at first. reopen opens
// it again as a restart does; a Memory stays as it is.
func onEachStore(t *testing.T, test func(t *testing.T, reopen func() state.Store)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		m := state.NewMemory()
		test(t, func() state.Store { return m })
	})
	t.Run("badger", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		var d *state.Dir
		end := func() {
			if d != nil {
				mustClose(t, d)
			}
		}
		defer func() { end() }()
		test(t, func() state.Store {
			end()
			d = mustOpen(t, path)
			return d
		})
	})
}

// records are the revisions in a store by key, of the kind that keys begin with.
func records(t *testing.T, s state.Store, kind string) map[string]uint64 {
	t.Helper()
	revs := map[string]uint64{}
	for r, err := range s.Scan(t.Context(), []byte(kind), nil) {
		if err != nil {
			t.Fatal(err)
		}
		revs[string(r.Key)] = r.Rev
	}
	return revs
}
