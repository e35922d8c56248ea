// Package statetest is the suite that every state.Store passes.
package statetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/state"
)

// Run tests the stores that open returns; each test opens a new, empty one.
func Run(t *testing.T, open func(t *testing.T) state.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, state.Store)
	}{
		{"a missing record is ErrNotFound", missing},
		{"insert refuses an existing record", insertTwice},
		{"replace wants the current revision", replace},
		{"put does not look", put},
		{"a refused op undoes its whole commit", atomic},
		{"later ops see earlier ones of their commit", withinCommit},
		{"scan yields a prefix in key order from a key on", scan},
		{"scan stops when the caller does", scanBreak},
		{"scan ends with the context's cause", scanCancel},
		{"sizes outside the limits are refused", limits},
		{"of concurrent inserts one wins", race},
		{"a cancelled context commits nothing", cancelled},
		{"a closed store says so", closed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

func key(i int) []byte { return fmt.Appendf(nil, "k/%04d", i) }

func mustCommit(t *testing.T, s state.Store, ops ...state.Op) {
	t.Helper()
	if err := s.Commit(t.Context(), ops...); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s state.Store, key []byte, value string, rev uint64) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	if string(got.Value) != value || got.Rev != rev {
		t.Errorf("%q holds %q at revision %d, want %q at %d", key, got.Value, got.Rev, value, rev)
	}
}

func wantErr(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

func missing(t *testing.T, s state.Store) {
	t.Helper()
	_, err := s.Get(t.Context(), key(1))
	wantErr(t, err, state.ErrNotFound)
}

func insertTwice(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(1), []byte("a")))
	wantErr(t, s.Commit(t.Context(), state.Insert(key(1), []byte("b"))), state.ErrConflict)
	want(t, s, key(1), "a", 1)
}

func replace(t *testing.T, s state.Store) {
	t.Helper()
	wantErr(t, s.Commit(t.Context(), state.Replace(key(1), []byte("a"), 1)), state.ErrConflict)
	mustCommit(t, s, state.Insert(key(1), []byte("a")))
	mustCommit(t, s, state.Replace(key(1), []byte("b"), 1))
	wantErr(t, s.Commit(t.Context(), state.Replace(key(1), []byte("c"), 1)), state.ErrConflict)
	want(t, s, key(1), "b", 2)
}

func put(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Put(key(1), []byte("a"), 7))
	mustCommit(t, s, state.Put(key(1), nil, 8))
	want(t, s, key(1), "", 8)
}

func atomic(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(2), []byte("a")))
	err := s.Commit(t.Context(), state.Insert(key(1), nil), state.Insert(key(2), nil))
	wantErr(t, err, state.ErrConflict)
	_, err = s.Get(t.Context(), key(1))
	wantErr(t, err, state.ErrNotFound)
}

func withinCommit(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(1), []byte("a")), state.Replace(key(1), []byte("b"), 1))
	want(t, s, key(1), "b", 2)
	err := s.Commit(t.Context(), state.Insert(key(2), nil), state.Insert(key(2), nil))
	wantErr(t, err, state.ErrConflict)
}

func scan(t *testing.T, s state.Store) {
	t.Helper()
	for _, i := range []int{5, 1, 3, 4, 2} {
		mustCommit(t, s, state.Insert(key(i), fmt.Append(nil, i)))
	}
	mustCommit(t, s, state.Insert([]byte("j"), nil), state.Insert([]byte("l"), nil))
	collect := func(from []byte) (got []string) {
		for r, err := range s.Scan(t.Context(), []byte("k/"), from) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s=%s@%d", r.Key, r.Value, r.Rev))
		}
		return got
	}
	all := []string{"k/0001=1@1", "k/0002=2@1", "k/0003=3@1", "k/0004=4@1", "k/0005=5@1"}
	if diff := cmp.Diff(all, collect(nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(all[2:], collect(key(3))); diff != "" {
		t.Error(diff)
	}
}

func scanBreak(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(1), nil), state.Insert(key(2), nil))
	n := 0
	for _, err := range s.Scan(t.Context(), []byte("k/"), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
}

func scanCancel(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(1), nil), state.Insert(key(2), nil))
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var errs []error
	for _, err := range s.Scan(ctx, []byte("k/"), nil) {
		errs = append(errs, err)
		cancel(cause)
	}
	if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], cause) {
		t.Errorf("scan yielded %v", errs)
	}
}

func limits(t *testing.T, s state.Store) {
	t.Helper()
	for name, ops := range map[string][]state.Op{
		"empty key":  {state.Insert(nil, nil)},
		"revision 0": {state.Put(key(1), nil, 0)},
	} {
		if err := s.Commit(t.Context(), ops...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, ops := range map[string][]state.Op{
		"long key":     {state.Insert(make([]byte, state.MaxKey+1), nil)},
		"long value":   {state.Insert(key(1), make([]byte, state.MaxValue+1))},
		"many ops":     slices.Repeat([]state.Op{state.Put(key(1), nil, 1)}, state.MaxOps+1),
		"large commit": slices.Repeat([]state.Op{state.Put(key(1), make([]byte, state.MaxValue), 1)}, state.MaxCommit/state.MaxValue),
	} {
		if err := s.Commit(t.Context(), ops...); !errors.Is(err, state.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
	}
	_, err := s.Get(t.Context(), key(1))
	wantErr(t, err, state.ErrNotFound)
	mustCommit(t, s, state.Insert(make([]byte, state.MaxKey), make([]byte, state.MaxValue)))
}

func race(t *testing.T, s state.Store) {
	t.Helper()
	const writers, keys = 16, 50
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := make(map[int]int)
	for range writers {
		wg.Go(func() {
			for i := range keys {
				switch err := s.Commit(t.Context(), state.Insert(key(i), nil)); {
				case err == nil:
					mu.Lock()
					won[i]++
					mu.Unlock()
				case !errors.Is(err, state.ErrConflict):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range keys {
		if won[i] != 1 {
			t.Errorf("%d writers inserted %q", won[i], key(i))
		}
	}
}

func cancelled(t *testing.T, s state.Store) {
	t.Helper()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	wantErr(t, s.Commit(ctx, state.Insert(key(1), nil)), cause)
	_, err := s.Get(t.Context(), key(1))
	wantErr(t, err, state.ErrNotFound)
}

func closed(t *testing.T, s state.Store) {
	t.Helper()
	mustCommit(t, s, state.Insert(key(1), nil))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), key(1))
	wantErr(t, err, state.ErrClosed)
	wantErr(t, s.Commit(t.Context(), state.Insert(key(2), nil)), state.ErrClosed)
	for _, err := range s.Scan(t.Context(), []byte("k/"), nil) {
		wantErr(t, err, state.ErrClosed)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}
