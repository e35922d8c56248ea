package dedup_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

func word(s string) string { return s }

// lifecycle sends words through all states, and returns those that were worked
// on and those that were duplicates.
func lifecycle(t *testing.T, store dedup.States, work func(context.Context, string) error, words ...string) (done, dup []string, err error) {
	t.Helper()
	keys := dedup.NewKeys(store)
	p := flow.New(t.Context())
	fresh := flow.Via(p, flow.From(p, slices.Values(words)), dedup.New(keys, word, flowtest.Collect(&dup)))
	claimed := flow.Via(p, fresh, dedup.Claim(keys, word))
	worked := flow.Via(p, claimed, flow.Each(work))
	flow.To(p, flow.Via(p, worked, dedup.Settle(keys, word)), flowtest.Collect(&done))
	return done, dup, p.Wait()
}

func fine(context.Context, string) error { return nil }

func TestDedupPassesOneItemOfEveryKey(t *testing.T) {
	done, dup, err := lifecycle(t, &dedup.MemoryStates{}, fine, "a", "b", "a", "a", "c", "b")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"a", "b", "c"}, {"a", "a", "b"}}, [][]string{done, dup}); diff != "" {
		t.Error(diff)
	}
}

func TestDedupRemembersWhatWasSettled(t *testing.T) {
	store := &dedup.MemoryStates{}
	if _, _, err := lifecycle(t, store, fine, "a"); err != nil {
		t.Fatal(err)
	}
	done, dup, err := lifecycle(t, store, fine, "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"b"}, {"a"}}, [][]string{done, dup}); diff != "" {
		t.Error(diff)
	}
}

func TestDedupLetsWhatACrashLeftBehindComeAgain(t *testing.T) {
	store := &dedup.MemoryStates{}
	_, _, err := lifecycle(t, store, func(_ context.Context, s string) error {
		if s == "b" {
			return flowtest.ErrBoom
		}
		return nil
	}, "a", "b", "c")
	if !errors.Is(err, flowtest.ErrBoom) {
		t.Fatalf("got %v, want boom", err)
	}
	if left := stateOf(t, store, "b"); left[0] != dedup.StateClaimed {
		t.Fatalf("b was left %q, want it claimed", left[0])
	}
	_, _, err = lifecycle(t, store, fine, "a", "b", "c")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dedup.StateDone, dedup.StateDone, dedup.StateDone}, stateOf(t, store, "a", "b", "c")); diff != "" {
		t.Error(diff)
	}
}

func TestAReleasedKeyMayComeAgain(t *testing.T) {
	keys := dedup.NewKeys(&dedup.MemoryStates{})
	once := flow.Then(flow.Then(dedup.New(keys, word, nil), dedup.Claim(keys, word)), dedup.Release(keys, word))
	for range 2 {
		got, err := flowtest.Through(t, once, "a")
		if err != nil || len(got) != 1 {
			t.Errorf("got %v, %v, want a", got, err)
		}
	}
}

func TestSettlingWhatNobodyClaimedIsAnError(t *testing.T) {
	_, err := flowtest.Through(t, dedup.Settle(dedup.NewKeys(&dedup.MemoryStates{}), word), "a")
	var wrong *dedup.StateError
	if !errors.As(err, &wrong) || wrong.Key != "a" || wrong.Want != dedup.StateClaimed {
		t.Errorf("got %v, want a StateError for a", err)
	}
}

// failingStates cannot be reached.
type failingStates struct{}

func (failingStates) Swap(context.Context, []string, string, string) ([]string, error) {
	return nil, flowtest.ErrBoom
}

func TestDedupReportsAStoreThatFails(t *testing.T) {
	if _, _, err := lifecycle(t, failingStates{}, fine, "a"); !errors.Is(err, flowtest.ErrBoom) {
		t.Errorf("got %v, want boom", err)
	}
}

// Over any number of runs that fail anywhere, every key is settled once, and no
// item is neither passed nor a duplicate.
func TestEveryKeyIsSettledOnceOverManyRuns(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store := &dedup.MemoryStates{}
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 1, 20).Draw(rt, "words")
		settled := map[string]int{}
		for range rapid.IntRange(0, 3).Draw(rt, "crashes") {
			left := rapid.IntRange(0, len(words)).Draw(rt, "until")
			_, _, _ = lifecycle(t, store, func(context.Context, string) error {
				if left--; left < 0 {
					return flowtest.ErrBoom
				}
				return nil
			}, words...)
		}
		distinct := slices.Compact(slices.Sorted(slices.Values(words)))
		for i, state := range stateOf(t, store, distinct...) {
			if state == dedup.StateDone {
				settled[distinct[i]]++
			}
		}
		done, dup, err := lifecycle(t, store, fine, words...)
		if err != nil {
			rt.Fatal(err)
		}
		for _, w := range done {
			settled[w]++
		}
		if len(done)+len(dup) != len(words) {
			rt.Errorf("%d passed and %d duplicates of %d items", len(done), len(dup), len(words))
		}
		for _, w := range distinct {
			if settled[w] != 1 {
				rt.Errorf("%s was settled %d times", w, settled[w])
			}
		}
	})
}

// stateOf reads states by a swap that changes nothing.
func stateOf(t *testing.T, store dedup.States, keys ...string) []string {
	t.Helper()
	states, err := store.Swap(t.Context(), keys, "no such state", "")
	if err != nil {
		t.Fatal(err)
	}
	return states
}
