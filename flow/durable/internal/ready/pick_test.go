package ready

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
)

// Entries that are picked are not loaded any more. Those that were in no batch
// when the process died wait again, even if all others are claimed.
func TestWhatIsPickedIsNotLoaded(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dir, store := &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}, state.NewMemory()
	r, err := Open(t.Context(), dir, store)
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]jobdir.Entry, 40)
	for i := range entries {
		entries[i] = jobdir.Entry{Key: fmt.Sprint(i), Level: uint8(126 + i%2)}
	}
	add(t, r, entries...)
	claim := func(batch []jobdir.Entry) {
		t.Helper()
		ops, err := r.Claim(batch)
		if err := errors.Join(err, store.Commit(t.Context(), ops...)); err != nil {
			t.Fatal(err)
		}
	}
	left := 4
	picked, err := r.Pick(func() bool { return left > 0 }, func(e *jobdir.Entry) (bool, error) {
		wants := slices.Contains([]string{"6", "10", "13", "20", "33"}, e.Key)
		if wants {
			left--
		}
		return wants, nil
	})
	if got := keysOf(picked); err != nil || !slices.Equal(got, []string{"6", "10", "20", "13"}) {
		t.Fatalf("%v, %v", got, err)
	}
	claim(picked[1:3])
	rest := load(t, r, 100)
	if len(rest) != 36 || slices.ContainsFunc(rest, func(e jobdir.Entry) bool { return slices.Contains(keysOf(picked), e.Key) }) {
		t.Errorf("%v are loaded", keysOf(rest))
	}
	claim(rest)
	if err := errors.Join(r.Close()...); err != nil {
		t.Fatal(err)
	}
	if r, err = Open(t.Context(), dir, store); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(r.Close()...) }()
	r.TakenSpans(jobdir.ClaimSpans(append(picked[1:3:3], rest...)))
	if got := keysOf(load(t, r, 100)); !slices.Equal(got, []string{"6", "13"}) {
		t.Errorf("%v wait after a restart", got)
	}
	failure := errors.New("no")
	if _, err := r.Pick(func() bool { return true }, func(*jobdir.Entry) (bool, error) { return false, failure }); err != nil {
		t.Errorf("nothing waits, and %v", err)
	}
	add(t, r, jobdir.Entry{Key: "new", Level: 126})
	if _, err := r.Pick(func() bool { return true }, func(*jobdir.Entry) (bool, error) { return false, failure }); !errors.Is(err, failure) {
		t.Error(err)
	}
}

func keysOf(entries []jobdir.Entry) (keys []string) {
	for i := range entries {
		keys = append(keys, entries[i].Key)
	}
	return keys
}
