package ready

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// The files of batches that are done are removed, also if all batches were
// sealed before the first was done.
func TestFilesOfBatchesThatAreDoneAreRemoved(t *testing.T) {
	t.Parallel()
	ctx, store := context.Background(), state.NewMemory()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	dir := &jobdir.Dir{Root: root, Keys: jobdir.NewKeys("test", 0)}
	open := func() *Log {
		r, err := Open(ctx, dir, store)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	entries := make([]jobdir.Entry, 400)
	meta, err := json.Marshal(strings.Repeat("x", readySize/100))
	if err != nil {
		t.Fatal(err)
	}
	for i := range entries {
		entries[i] = jobdir.Entry{Key: fmt.Sprint(i)}
		entries[i].SetExtra(jobdir.Extra{Meta: meta})
	}
	add(t, r, entries...)
	level := jobdir.LevelDir(entries[0].Level)
	tags := []string{"A", "B", "C", "D"}
	for _, tag := range tags {
		batch := load(t, r, 100)
		r.Pin(tag, jobdir.ClaimSpans(batch))
		ops, err := r.Claim(batch)
		if err := errors.Join(err, store.Commit(ctx, ops...)); err != nil {
			t.Fatal(err)
		}
	}
	before, err := segment.Files(root, level)
	if err != nil || len(before) < 4 || before[0] != 1 {
		t.Fatalf("files %v, %v, although no batch is done", before, err)
	}
	if err := r.Unpin("B"); err != nil {
		t.Fatal(err)
	}
	if files, err := segment.Files(root, level); err != nil || !slices.Equal(files, before) {
		t.Errorf("files %v, %v, although the first batch is not done", files, err)
	}
	for _, tag := range []string{"A", "C", "D"} {
		if err := r.Unpin(tag); err != nil {
			t.Fatal(err)
		}
	}
	// The one in which the head was when the last batch was sealed stays.
	if files, err := segment.Files(root, level); err != nil || len(files) > 2 {
		t.Errorf("files %v, %v, although all batches are done", files, err)
	}
	if err := errors.Join(r.Close()...); err != nil {
		t.Fatal(err)
	}
	if r = open(); r.Any() {
		t.Error("something waits")
	}
	if err := errors.Join(r.Close()...); err != nil {
		t.Fatal(err)
	}
}
