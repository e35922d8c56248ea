package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/state"
)

func word(s string) string { return s }

var errCrash = errors.New("crash")

// work sends words through all states, and returns those that were worked on.
func work(t *testing.T, s dedup.States, do func(string) error, words ...string) (done []string, err error) {
	t.Helper()
	keys := dedup.NewKeys(s)
	p := flow.New(t.Context())
	fresh := flow.Via(p, flow.From(p, slices.Values(words)), dedup.New(keys, word, nil))
	claimed := flow.Via(p, fresh, dedup.Claim(keys, word))
	worked := flow.Via(p, claimed, flow.Each(func(_ context.Context, s string) error { return do(s) }))
	flow.To(p, flow.Via(p, worked, dedup.Settle(keys, word)), func(_ context.Context, s string) error {
		done = append(done, s)
		return nil
	})
	return done, p.Wait()
}

func statesOf(t *testing.T, d *state.Dedup, keys ...string) []string {
	t.Helper()
	were, err := d.Swap(t.Context(), keys, "no such state", "")
	if err != nil {
		t.Fatal(err)
	}
	return were
}

func TestDedupOverARestartResumesWhatIsOpenAndDropsWhatIsDone(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			d := state.NewDedup(reopen(), "job")
			fine := func(string) error { return nil }
			if _, err := work(t, d, fine, "done"); err != nil {
				t.Fatal(err)
			}
			if _, err := work(t, d, func(string) error { return errCrash }, "claimed"); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			if _, err := d.Swap(t.Context(), []string{"queued"}, "", dedup.StateQueued); err != nil {
				t.Fatal(err)
			}

			d = state.NewDedup(reopen(), "job")
			names := []string{dedup.StateDone, dedup.StateClaimed, dedup.StateQueued, "new"}
			want := []string{dedup.StateDone, dedup.StateClaimed, dedup.StateQueued, ""}
			if diff := cmp.Diff(want, statesOf(t, d, names...)); diff != "" {
				t.Fatal("before the second run: " + diff)
			}
			done, err := work(t, d, fine, names...)
			if diff := cmp.Diff(names[1:], done); diff != "" || err != nil {
				t.Errorf("the second run did %v\n%s", err, diff)
			}

			d = state.NewDedup(reopen(), "job")
			if done, err = work(t, d, fine, names...); err != nil || len(done) > 0 {
				t.Errorf("the third run did %q again, %v", done, err)
			}
		})
	}
}

func TestDedupAgreesWithMemoryStates(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store, run := reopen(), 0
			rapid.Check(t, func(rt *rapid.T) {
				run++
				name, model := fmt.Sprint(run), new(dedup.MemoryStates)
				states := rapid.SampledFrom([]string{"", dedup.StateQueued, dedup.StateClaimed, dedup.StateDone})
				keys := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "ab", strings.Repeat("long", 1000)}), 0, 6)
				for range rapid.IntRange(1, 20).Draw(rt, "steps") {
					ks, old, next := keys.Draw(rt, "keys"), states.Draw(rt, "old"), states.Draw(rt, "next")
					want, _ := model.Swap(t.Context(), ks, old, next)
					got, err := state.NewDedup(store, name).Swap(t.Context(), ks, old, next)
					if diff := cmp.Diff(want, got); diff != "" || err != nil {
						rt.Fatalf("%v\n%s", err, diff)
					}
				}
			})
		})
	}
}

func TestOfSwapsAtOnceOneWins(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			store := reopen()
			keys := make([]string, 64)
			for i := range keys {
				keys[i] = fmt.Sprint("key", i)
			}
			var won [64]atomic.Int32
			var all sync.WaitGroup
			for w := range 8 {
				all.Go(func() {
					for part := range slices.Chunk(keys, 8+w) { // they overlap in all ways
						were, err := state.NewDedup(store, "job").Swap(t.Context(), part, "", dedup.StateQueued)
						if err != nil {
							t.Error(err)
						}
						for i, was := range were {
							if was == "" {
								won[slices.Index(keys, part[i])].Add(1)
							}
						}
					}
				})
			}
			all.Wait()
			for i := range won {
				if n := won[i].Load(); n != 1 {
					t.Errorf("%s was won %d times", keys[i], n)
				}
			}
		})
	}
}

func TestDedupKeepsNamesApart(t *testing.T) {
	store := state.NewMemory()
	if _, err := state.NewDedup(store, "a").Swap(t.Context(), []string{"bc"}, "", dedup.StateDone); err != nil {
		t.Fatal(err)
	}
	if was := statesOf(t, state.NewDedup(store, "ab"), "c"); was[0] != "" {
		t.Errorf("a key of another name is %q", was[0])
	}
	if lanes, err := state.NewAssignments(store, "a").Assigned(t.Context(), []string{"bc"}); err != nil || lanes[0] != "" {
		t.Errorf("a state was read as lane %q, %v", lanes, err)
	}
}
