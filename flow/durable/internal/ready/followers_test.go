package ready

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// Followers are never loaded with the others. Those that wait are shown again
// and again until they are taken, and after a restart unless they are in a
// batch.
func TestFollowersWaitUntilTheyAreTaken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dir, store := &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}, state.NewMemory()
	r, err := Open(ctx, dir, store)
	if err != nil {
		t.Fatal(err)
	}
	if r.Following() {
		t.Error("an empty log has followers")
	}
	entries := make([]jobdir.Entry, 10)
	for i := range entries {
		entries[i] = jobdir.Entry{Key: fmt.Sprint(i), Level: jobdir.FollowerLevel}
	}
	if err := r.Add(ctx, entries); err != nil {
		t.Fatal(err)
	}
	loaded, err := r.Load(100)
	if err != nil || len(loaded) > 0 || r.Any() || !r.Following() {
		t.Errorf("%d are loaded, %v", len(loaded), err)
	}
	want := func(keys ...string) (found []jobdir.Entry) {
		t.Helper()
		var got []string
		for place := (segment.Pos{}); ; {
			some, next, err := r.Followers(place, segment.Pos{}, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(some) == 0 {
				break
			}
			for _, e := range some {
				got = append(got, e.Key)
			}
			found, place = append(found, some...), next
		}
		if !slices.Equal(got, keys) {
			t.Errorf("%v wait, want %v", got, keys)
		}
		return found
	}
	all := want("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	r.Take(all[:4])
	want("4", "5", "6", "7", "8", "9")
	batch := []jobdir.Entry{all[2], all[0], all[1], all[7]}
	ops, err := r.Claim(batch)
	if err := errors.Join(err, store.Commit(ctx, ops...)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Close()...); err != nil {
		t.Fatal(err)
	}
	if r, err = Open(ctx, dir, store); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(r.Close()...) }()
	r.TakenSpans(jobdir.ClaimSpans(batch))
	rest := want("3", "4", "5", "6", "8", "9")
	r.Take(rest)
	if _, err := r.Claim(rest); err != nil {
		t.Fatal(err)
	}
	if want(); r.Following() {
		t.Error("there are followers, and all are in batches")
	}
}
