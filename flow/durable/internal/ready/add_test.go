package ready

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
)

// failingStore fails with an error while there is one, and as others do once
// the context has ended.
type failingStore struct {
	state.Store

	err error
}

func (s *failingStore) Commit(ctx context.Context, ops ...state.Op) error {
	if s.err != nil || ctx.Err() != nil {
		return errors.Join(s.err, context.Cause(ctx))
	}
	return s.Store.Commit(ctx, ops...)
}

// Rows that are being read when a run is stopped are read again by the next
// one. The rows of a batch that is settled meanwhile, and that are retried, come
// after them, and must not acknowledge them: they would wait twice.
func TestEntriesThatWereNotCommittedAreNotThere(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		err      error // of the store, for the first entries
		ended    bool  // their context
		retries  error // what the second are told
		reopened int   // that wait then
	}{
		"stopped": {ended: true, reopened: 1},
		"broken":  {err: broken, retries: broken, reopened: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, err := os.OpenRoot(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			dir, store := &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}, &failingStore{Store: state.NewMemory()}
			r, err := Open(t.Context(), dir, store)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			if c.ended {
				cancel()
			}
			defer cancel()
			store.err = c.err
			if err := r.Add(ctx, []jobdir.Entry{{Key: "read", Level: 7}}); err == nil {
				t.Error("the first entries were added")
			}
			store.err = nil
			if err := r.Add(t.Context(), []jobdir.Entry{{Key: "retried", Level: 7}}); !errors.Is(err, c.retries) {
				t.Errorf("error %v, want %v", err, c.retries)
			}
			if err := errors.Join(r.Close()...); err != nil {
				t.Fatal(err)
			}
			if r, err = Open(t.Context(), dir, store); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = errors.Join(r.Close()...) }()
			found, err := r.Load(10)
			if err != nil || len(found) != c.reopened || len(found) > 0 && found[0].Key != "retried" {
				t.Errorf("%+v wait, %v", found, err)
			}
		})
	}
}
