package state_test

import (
	"path/filepath"
	"testing"

	"github.com/balerhq/baler/flow/state"
)

// stores start a store of each kind, empty at first. What they return opens it,
// and opens it again as after a restart; a Memory stays as it is.
var stores = map[string]func(t *testing.T) (reopen func() state.Store){
	"memory": func(*testing.T) func() state.Store {
		m := state.NewMemory()
		return func() state.Store { return m }
	},
	"badger": func(t *testing.T) func() state.Store {
		t.Helper()
		path := filepath.Join(t.TempDir(), "s")
		var d *state.Dir
		end := func() {
			if d != nil {
				mustClose(t, d)
			}
		}
		t.Cleanup(end)
		return func() state.Store {
			end()
			d = mustOpen(t, path)
			return d
		}
	},
}

// records are the revisions in a store by key, of the kind that keys begin
// with.
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
