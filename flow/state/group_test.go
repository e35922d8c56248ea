package state_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/balerhq/baler/flow/state"
)

// Each commit is within the limits; those that would share a transaction are
// together above Badger's.
func TestLargeCommitsAtOnceDoNotSpoilEachOther(t *testing.T) {
	b, err := state.OpenBadger(t.TempDir(), quiet.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	const large = 6
	var writers sync.WaitGroup
	for w := range large {
		writers.Go(func() {
			var ops []state.Op
			for i := range 200 {
				ops = append(ops, state.Insert(fmt.Appendf(nil, "%d/%d", w, i), make([]byte, state.MaxValue)))
			}
			if err := b.Commit(t.Context(), ops...); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	n := 0
	for _, err := range b.Scan(t.Context(), nil, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != large*200 {
		t.Errorf("%d records, want %d", n, large*200)
	}
}
