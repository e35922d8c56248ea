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
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/state"
)

// answer is an item, and an exclamation mark if it failed.
type answer = string

func answering(name string, fails bool) router.Route[string, answer] {
	return router.Route[string, answer]{Name: name, Build: func() flow.Stage[string, answer] {
		return flow.Map(func(_ context.Context, item string) (answer, error) {
			if fails {
				item += "!"
			}
			return item, nil
		})
	}}
}

// route returns the lane that answered each item, and how many had to be tried
// before.
func route(t *testing.T, a router.Assignments, pick router.Strategy[string], lanes []router.Route[string, answer], items ...string) (by map[string]string, tried int) {
	t.Helper()
	routed, err := router.New(word, func(a answer) string { return strings.TrimSuffix(a, "!") }, pick, lanes,
		router.Config[string, answer]{
			Assignments: a,
			Failed:      func(a answer) bool { return strings.HasSuffix(a, "!") },
		})
	if err != nil {
		t.Fatal(err)
	}
	by = map[string]string{}
	p := flow.New(t.Context())
	flow.To(p, flow.Via(p, flow.From(p, slices.Values(items)), routed), func(_ context.Context, r router.Routed[answer]) error {
		by[r.Result] = r.Route
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
			lanes := []router.Route[string, answer]{answering("a", false), answering("b", false), answering("c", false)}
			items := make([]string, 30)
			for i := range items {
				items[i] = fmt.Sprint("item", i)
			}
			first, _ := route(t, state.NewAssignments(reopen(), "job"), router.RoundRobin[string](), lanes, items...)
			if used := slices.Compact(slices.Sorted(maps.Values(first))); len(used) != 3 {
				t.Fatalf("the first run used %q only", used)
			}
			slices.Reverse(items) // so that taking turns would lead elsewhere
			again, _ := route(t, state.NewAssignments(reopen(), "job"), router.InOrder[string](), lanes, append(items, "new")...)
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
			lanes := []router.Route[string, answer]{answering("a", true), answering("b", false)}
			for run, want := range []int{1, 0} {
				by, tried := route(t, state.NewAssignments(reopen(), "job"), router.InOrder[string](), lanes, "x")
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
				if err := a.Assign(t.Context(), []string{key}, []string{fmt.Sprint("lane", len(key))}); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Assign(t.Context(), []string{"a"}, []string{strings.Repeat("l", state.MaxValue+1)}); !errors.Is(err, state.ErrTooLarge) {
				t.Errorf("got %v, want ErrTooLarge", err)
			}
			a = state.NewAssignments(reopen(), "job")
			lanes, err := a.Assigned(t.Context(), append(keys, "new"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"lane0", "lane1", "lane65536", ""}, lanes); diff != "" {
				t.Error(diff)
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
			if err := a.Assign(t.Context(), []string{"x"}, []string{"b"}); err != nil {
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

// counting counts the commits of a Store.
type counting struct {
	state.Store
	commits, ops int
}

func (c *counting) Commit(ctx context.Context, ops ...state.Op) error {
	c.commits++
	c.ops += len(ops)
	return c.Store.Commit(ctx, ops...)
}

func TestManyItemsAreAssignedInFewCommits(t *testing.T) {
	const n = 1000
	long := strings.Repeat("l", state.MaxValue)
	keys, lanes := make([]string, n), make([]string, n)
	for i := range keys {
		keys[i], lanes[i] = fmt.Sprint("item", i), long[:state.MaxValue-i]
	}
	store := &counting{Store: state.NewMemory()}
	a := state.NewAssignments(store, "job")
	if err := a.Assign(t.Context(), keys, lanes); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Assigned(t.Context(), keys); err != nil || !slices.Equal(got, lanes) {
		t.Errorf("read something else than was recorded, %v", err)
	}
	if store.ops != n || store.commits > n/100 {
		t.Errorf("%d writes in %d commits, want %d in at most %d", store.ops, store.commits, n, n/100)
	}
}

// One slice with two items of the same key: both go to one lane, and the slice
// is one commit.
func TestARouterRecordsASliceAtOnce(t *testing.T) {
	store := &counting{Store: state.NewMemory()}
	routed, err := router.New(word, word, router.RoundRobin[string](),
		[]router.Route[string, answer]{answering("a", false), answering("b", false)},
		router.Config[string, answer]{Assignments: state.NewAssignments(store, "job")})
	if err != nil {
		t.Fatal(err)
	}
	p := flow.New(t.Context())
	whole := make(chan []string, 1)
	whole <- []string{"x", "y", "x", "z"}
	close(whole)
	lanes := map[string]string{}
	flow.To(p, flow.Via(p, whole, routed), func(_ context.Context, r router.Routed[answer]) error {
		if was, ok := lanes[r.Result]; ok && was != r.Route {
			t.Errorf("%s went to %s and %s", r.Result, was, r.Route)
		}
		lanes[r.Result] = r.Route
		return nil
	})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"x": "a", "y": "b", "z": "a"}, lanes); diff != "" {
		t.Error(diff)
	}
	if store.commits != 1 || store.ops != 3 {
		t.Errorf("%d writes in %d commits, want 3 in 1", store.ops, store.commits)
	}
}
