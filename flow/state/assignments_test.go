package state_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/state"
)

// answer is an item, and an exclamation mark if it failed.
type answer = string

func answering(name string, fails bool) flow.Lane[string, answer] {
	return flow.Lane[string, answer]{Name: name, Build: func() flow.Stage[string, answer] {
		return flow.Map(func(_ context.Context, item string) (answer, error) {
			if fails {
				item += "!"
			}
			return item, nil
		})
	}}
}

// route returns the lane that answered each item, and how many had to be tried before.
func route(t *testing.T, a flow.Assignments, pick flow.Strategy[string], lanes []flow.Lane[string, answer], items ...string) (by map[string]string, tried int) {
	t.Helper()
	router, err := flow.NewRouter(word, func(a answer) string { return strings.TrimSuffix(a, "!") }, pick, lanes,
		flow.RouterConfig[string, answer]{
			Assignments: a,
			Failed:      func(a answer) bool { return strings.HasSuffix(a, "!") },
		})
	if err != nil {
		t.Fatal(err)
	}
	by = map[string]string{}
	p := flow.New(t.Context())
	flow.To(p, flow.Via(p, flow.From(p, slices.Values(items)), router), func(_ context.Context, r flow.Routed[answer]) error {
		by[r.Result] = r.Lane
		tried += len(r.Tried)
		return nil
	})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	return by, tried
}

func TestARestartedRouterSendsItemsWhereTheyWere(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			lanes := []flow.Lane[string, answer]{answering("a", false), answering("b", false), answering("c", false)}
			items := make([]string, 30)
			for i := range items {
				items[i] = fmt.Sprint("item", i)
			}
			first, _ := route(t, state.NewAssignments(reopen(), "job"), flow.RoundRobin[string](), lanes, items...)
			if used := slices.Compact(slices.Sorted(maps.Values(first))); len(used) != 3 {
				t.Fatalf("the first run used %q only", used)
			}
			slices.Reverse(items) // so that taking turns would lead elsewhere
			again, _ := route(t, state.NewAssignments(reopen(), "job"), flow.InOrder[string](), lanes, append(items, "new")...)
			first["new"] = "a"
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("rerouted after the restart:\n%s", diff)
			}
		})
	}
}

func TestARestartedRouterRemembersWhereAnItemFailedOverTo(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			lanes := []flow.Lane[string, answer]{answering("a", true), answering("b", false)}
			for run, want := range []int{1, 0} {
				by, tried := route(t, state.NewAssignments(reopen(), "job"), flow.InOrder[string](), lanes, "x")
				if by["x"] != "b" || tried != want {
					t.Errorf("run %d: x came from %q after %d others, want b after %d", run, by["x"], tried, want)
				}
			}
		})
	}
}

func TestAssignmentsTakeAnyKeyAndRefuseALongLane(t *testing.T) {
	for kind, start := range stores {
		t.Run(kind, func(t *testing.T) {
			reopen := start(t)
			a := state.NewAssignments(reopen(), "job")
			keys := []string{"", "a", strings.Repeat("a", 1<<16)}
			for _, key := range keys {
				if err := a.Assign(t.Context(), key, fmt.Sprint("lane", len(key))); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Assign(t.Context(), "a", strings.Repeat("l", state.MaxValue+1)); !errors.Is(err, state.ErrTooLarge) {
				t.Errorf("got %v, want ErrTooLarge", err)
			}
			a = state.NewAssignments(reopen(), "job")
			for _, key := range keys {
				if lane, err := a.Assigned(t.Context(), key); err != nil || lane != fmt.Sprint("lane", len(key)) {
					t.Errorf("a key of %d bytes has lane %q, %v", len(key), lane, err)
				}
			}
		})
	}
}

func TestAssigningTheSameLaneWritesNothing(t *testing.T) {
	store := state.NewMemory()
	a := state.NewAssignments(store, "job")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := a.Assign(t.Context(), "x", "b"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for key, rev := range records(t, store, "A") {
		if rev != 1 {
			t.Errorf("%x was written %d times", key, rev)
		}
	}
}
