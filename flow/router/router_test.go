package router_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/flow/state"
)

func route(t *testing.T, c router.Config[string, flowtest.Reply], s router.Strategy[string], lanes []flowtest.Route, items ...string) ([]flowtest.Routed, error) {
	t.Helper()
	routed, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, s, lanes, c)
	if err != nil {
		t.Fatal(err)
	}
	return flowtest.Through(t, routed, items...)
}

var byItem = cmpopts.SortSlices(func(a, b flowtest.Routed) bool { return a.Result.Item < b.Result.Item })

func TestRouterFailsOverAndSaysWhatWasTried(t *testing.T) {
	lanes := []flowtest.Route{flowtest.FailsAll("a"), flowtest.RouteThat("b", func(s string) bool { return s == "x" }), flowtest.Answers("c")}
	got, err := route(t, router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed}, router.InOrder[string](), lanes, "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	want := []flowtest.Routed{
		{Result: flowtest.Reply{Item: "x", By: "c"}, Route: "c", Tried: []string{"a", "b"}},
		{Result: flowtest.Reply{Item: "y", By: "b"}, Route: "b", Tried: []string{"a"}},
	}
	if diff := cmp.Diff(want, got, byItem); diff != "" {
		t.Error(diff)
	}
}

func TestRouterReturnsTheLastFailureWhenEveryLaneHasTried(t *testing.T) {
	got, err := route(t, router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed}, router.InOrder[string](),
		[]flowtest.Route{flowtest.FailsAll("a"), flowtest.FailsAll("b")}, "x")
	if err != nil {
		t.Fatal(err)
	}
	want := []flowtest.Routed{{Result: flowtest.Reply{Item: "x", By: "b", Bad: true}, Route: "b", Tried: []string{"a"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Both lanes answer only at the end of their input, so the items that fail
// arrive at lanes that are closed already.
func TestRouterRunsALaneAgainForItemsThatFailOverAtTheEnd(t *testing.T) {
	for range 20 {
		lanes := []flowtest.Route{flowtest.Gathers(100, flowtest.FailsAll("a")), flowtest.Gathers(100, flowtest.Answers("b")), flowtest.Gathers(2, flowtest.Answers("c"))}
		got, err := route(t, router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed}, router.RoundRobin[string](), lanes,
			"1", "2", "3", "4", "5", "6", "7")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			if r.Result.Bad || r.Route == "a" {
				t.Errorf("%v was not cured", r)
			}
		}
		if len(got) != 7 {
			t.Errorf("%d results, want 7", len(got))
		}
	}
}

func TestRouterBuildsALaneOnFirstUse(t *testing.T) {
	unused := flowtest.Route{Name: "unused", Build: func() flow.Stage[string, flowtest.Reply] {
		t.Error("built without an item")
		return nil
	}}
	if _, err := route(t, router.Config[string, flowtest.Reply]{}, router.InOrder[string](), []flowtest.Route{flowtest.Answers("a"), unused}, "x"); err != nil {
		t.Fatal(err)
	}
}

func TestRouterSkipsALaneThatIsNotOpenAndWaitsWhenNoneIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reopen := time.Now().Add(90 * time.Second)
		closed, later := flowtest.Answers("closed"), flowtest.Answers("later")
		closed.Open = func() bool { return false }
		later.Open = func() bool { return !time.Now().Before(reopen) }
		start := time.Now()
		got, err := route(t, router.Config[string, flowtest.Reply]{Recheck: time.Minute}, router.InOrder[string](), []flowtest.Route{closed, later}, "x")
		if err != nil || len(got) != 1 || got[0].Route != "later" {
			t.Fatalf("got %v, %v", got, err)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("found the open lane after %v, want the second recheck", took)
		}
	})
}

func TestRouterSkipsALaneForItsPenalty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		routed, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, router.InOrder[string](),
			[]flowtest.Route{flowtest.RouteThat("a", func(s string) bool { return s == "1" }), flowtest.Answers("b")},
			router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed, Penalty: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		p := flow.New(t.Context())
		items := make(chan string)
		results := flow.Chan(p, flow.Via(p, flow.FromChan(p, items), routed))
		var lanes string
		for i := range 4 {
			items <- fmt.Sprint(i + 1)
			lanes += (<-results).Route
			time.Sleep(25 * time.Second)
		}
		close(items)
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if lanes != "bbba" {
			t.Errorf("lanes %s, want bbba: three items within the minute, one after it", lanes)
		}
	})
}

func TestRouterKeepsALaneToItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := flowtest.Route{Name: "slow", Limit: 2, Build: func() flow.Stage[string, flowtest.Reply] {
			return flow.Parallel(flow.Map(func(_ context.Context, s string) (flowtest.Reply, error) {
				time.Sleep(time.Second)
				return flowtest.Reply{Item: s}, nil
			}), flow.Concurrency{Workers: 10})
		}}
		start := time.Now()
		got, err := route(t, router.Config[string, flowtest.Reply]{}, router.InOrder[string](), []flowtest.Route{slow}, "1", "2", "3", "4", "5", "6")
		if err != nil || len(got) != 6 {
			t.Fatalf("got %v, %v", got, err)
		}
		if took := time.Since(start); took < 3*time.Second {
			t.Errorf("6 items of 1 s in %v: more than 2 at a time", took)
		}
	})
}

func TestRouterSendsAnItemWhereItWasSentBeforeARestart(t *testing.T) {
	store := state.NewAssignments(state.NewMemory(), "job")
	if err := store.Assign(t.Context(), []string{"old"}, []string{"b"}); err != nil {
		t.Fatal(err)
	}
	got, err := route(t, router.Config[string, flowtest.Reply]{Assignments: store}, router.InOrder[string](),
		[]flowtest.Route{flowtest.Answers("a"), flowtest.Answers("b")}, "new", "old")
	if err != nil {
		t.Fatal(err)
	}
	want := []flowtest.Routed{
		{Result: flowtest.Reply{Item: "new", By: "a"}, Route: "a"},
		{Result: flowtest.Reply{Item: "old", By: "b"}, Route: "b"},
	}
	if diff := cmp.Diff(want, got, byItem); diff != "" {
		t.Error(diff)
	}
	if lanes, err := store.Assigned(t.Context(), []string{"new"}); err != nil || lanes[0] != "a" {
		t.Errorf("the new item's lane was recorded as %q, %v", lanes, err)
	}
}

func TestRouterReportsALaneThatForgetsOrInventsAnswers(t *testing.T) {
	for name, stage := range map[string]flow.Func[string, flowtest.Reply]{
		"forgets": flow.FlatMap(func(context.Context, string) ([]flowtest.Reply, error) { return nil, nil }),
		"invents": flow.Map(func(context.Context, string) (flowtest.Reply, error) { return flowtest.Reply{Item: "other"}, nil }),
		"repeats": flow.FlatMap(func(_ context.Context, s string) ([]flowtest.Reply, error) {
			return []flowtest.Reply{{Item: s}, {Item: s}}, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			wrong := flowtest.Route{Name: "wrong", Build: func() flow.Stage[string, flowtest.Reply] { return stage }}
			_, err := route(t, router.Config[string, flowtest.Reply]{}, router.InOrder[string](), []flowtest.Route{wrong}, "x")
			if !errors.Is(err, flow.ErrUnanswered) {
				t.Errorf("got %v, want ErrLane", err)
			}
		})
	}
}

// Whatever the lanes are and whichever of them fail, every item has one result,
// and it is a failure only if all have tried.
func TestRouterGivesEveryItemOneResult(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var lanes []flowtest.Route
		bad := map[string]int{} // item -> lanes that fail it
		for i := range rapid.IntRange(1, 4).Draw(rt, "lanes") {
			fails := rapid.SliceOfNDistinct(rapid.IntRange(0, 99), 0, 100, rapid.ID).Draw(rt, "fails")
			for _, item := range fails {
				bad[strconv.Itoa(item)]++
			}
			l := flowtest.RouteThat(fmt.Sprint("lane", i), func(s string) bool {
				return slices.ContainsFunc(fails, func(f int) bool { return strconv.Itoa(f) == s })
			})
			l.Limit = rapid.IntRange(0, 1).Draw(rt, "limited") * 5
			if l.Limit == 0 {
				l = flowtest.Gathers(rapid.IntRange(1, 10).Draw(rt, "gathers"), l)
			}
			lanes = append(lanes, l)
		}
		strategy := rapid.SampledFrom([]router.Strategy[string]{
			router.InOrder[string](), router.RoundRobin[string](), router.LeastLoaded[string](), router.Fastest[string](), router.Weighted[string](),
		}).Draw(rt, "strategy")
		items := make([]string, rapid.IntRange(0, 100).Draw(rt, "items"))
		for i := range items {
			items[i] = strconv.Itoa(i)
		}
		got, err := route(t, router.Config[string, flowtest.Reply]{Failed: flowtest.ReplyFailed, Limit: 40, Recheck: time.Millisecond}, strategy, lanes, items...)
		if err != nil {
			rt.Fatal(err)
		}
		seen := map[string]int{}
		for _, r := range got {
			seen[r.Result.Item]++
			if all := bad[r.Result.Item] == len(lanes); r.Result.Bad != all {
				rt.Errorf("item %s, failed by %d of %d lanes: %+v", r.Result.Item, bad[r.Result.Item], len(lanes), r)
			}
		}
		if len(got) != len(items) || len(seen) != len(items) {
			rt.Errorf("%d results for %d of %d items", len(got), len(seen), len(items))
		}
	})
}

func TestNewRouterRefusesWhatMakesNoSense(t *testing.T) {
	for name, lanes := range map[string][]flowtest.Route{
		"none":     nil,
		"unnamed":  {flowtest.Answers("")},
		"twice":    {flowtest.Answers("a"), flowtest.Answers("a")},
		"no build": {{Name: "a"}},
		"negative": {{Name: "a", Build: flowtest.Answers("a").Build, Weight: -1}},
	} {
		if _, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, router.InOrder[string](), lanes, router.Config[string, flowtest.Reply]{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, router.InOrder[string](), []flowtest.Route{flowtest.Answers("a")},
		router.Config[string, flowtest.Reply]{Limit: -1}); err == nil {
		t.Error("a negative limit was accepted")
	}
}
