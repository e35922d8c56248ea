package flow_test

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
	"github.com/balerhq/baler/flow/state"
)

// reply is what a test lane makes of an item.
type reply struct {
	Item string
	By   string
	Bad  bool
}

type (
	lane   = flow.Lane[string, reply]
	routed = flow.Routed[reply]
)

func itemKey(s string) string   { return s }
func replyKey(r reply) string   { return r.Item }
func replyFailed(r reply) bool  { return r.Bad }
func answers(name string) lane  { return laneThat(name, func(string) bool { return false }) }
func failsAll(name string) lane { return laneThat(name, func(string) bool { return true }) }

// laneThat answers in its name, and badly where bad says so.
func laneThat(name string, bad func(string) bool) lane {
	return lane{Name: name, Build: func() flow.Stage[string, reply] {
		return flow.Map(func(_ context.Context, s string) (reply, error) {
			return reply{Item: s, By: name, Bad: bad(s)}, nil
		})
	}}
}

// gathers answers only when n items are there or the input ends, as a batch does.
func gathers(n int, l lane) lane {
	build := l.Build
	l.Build = func() flow.Stage[string, reply] {
		return flow.Compose(func(p *flow.Pipeline, in <-chan []string) <-chan []reply {
			batches := flow.Via(p, in, flow.StageFunc[string, string](
				func(ctx context.Context, in <-chan []string, out chan<- []string) error {
					var held []string
					for slice := range flow.Slices(ctx, in) {
						held = append(held, slice...)
						for len(held) >= n {
							if err := flow.Send(ctx, out, slices.Clone(held[:n])); err != nil {
								return err
							}
							held = held[n:]
						}
					}
					return flow.Send(ctx, out, held)
				}))
			return flow.Via(p, batches, build())
		})
	}
	return l
}

func route(t *testing.T, c flow.RouterConfig[string, reply], s flow.Strategy[string], lanes []lane, items ...string) ([]routed, error) {
	t.Helper()
	router, err := flow.NewRouter(itemKey, replyKey, s, lanes, c)
	if err != nil {
		t.Fatal(err)
	}
	return throughStage(t, router, items...)
}

var byItem = cmpopts.SortSlices(func(a, b routed) bool { return a.Result.Item < b.Result.Item })

func TestRouterFailsOverAndSaysWhatWasTried(t *testing.T) {
	lanes := []lane{failsAll("a"), laneThat("b", func(s string) bool { return s == "x" }), answers("c")}
	got, err := route(t, flow.RouterConfig[string, reply]{Failed: replyFailed}, flow.InOrder[string](), lanes, "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	want := []routed{
		{Result: reply{Item: "x", By: "c"}, Lane: "c", Tried: []string{"a", "b"}},
		{Result: reply{Item: "y", By: "b"}, Lane: "b", Tried: []string{"a"}},
	}
	if diff := cmp.Diff(want, got, byItem); diff != "" {
		t.Error(diff)
	}
}

func TestRouterReturnsTheLastFailureWhenEveryLaneHasTried(t *testing.T) {
	got, err := route(t, flow.RouterConfig[string, reply]{Failed: replyFailed}, flow.InOrder[string](),
		[]lane{failsAll("a"), failsAll("b")}, "x")
	if err != nil {
		t.Fatal(err)
	}
	want := []routed{{Result: reply{Item: "x", By: "b", Bad: true}, Lane: "b", Tried: []string{"a"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Both lanes answer only at the end of their input, so the items that fail arrive at lanes that are closed already.
func TestRouterRunsALaneAgainForItemsThatFailOverAtTheEnd(t *testing.T) {
	for range 20 {
		lanes := []lane{gathers(100, failsAll("a")), gathers(100, answers("b")), gathers(2, answers("c"))}
		got, err := route(t, flow.RouterConfig[string, reply]{Failed: replyFailed}, flow.RoundRobin[string](), lanes,
			"1", "2", "3", "4", "5", "6", "7")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			if r.Result.Bad || r.Lane == "a" {
				t.Errorf("%v was not cured", r)
			}
		}
		if len(got) != 7 {
			t.Errorf("%d results, want 7", len(got))
		}
	}
}

func TestRouterBuildsALaneOnFirstUse(t *testing.T) {
	unused := lane{Name: "unused", Build: func() flow.Stage[string, reply] {
		t.Error("built without an item")
		return nil
	}}
	if _, err := route(t, flow.RouterConfig[string, reply]{}, flow.InOrder[string](), []lane{answers("a"), unused}, "x"); err != nil {
		t.Fatal(err)
	}
}

func TestRouterSkipsALaneThatIsNotOpenAndWaitsWhenNoneIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reopen := time.Now().Add(90 * time.Second)
		closed, later := answers("closed"), answers("later")
		closed.Open = func() bool { return false }
		later.Open = func() bool { return !time.Now().Before(reopen) }
		start := time.Now()
		got, err := route(t, flow.RouterConfig[string, reply]{Recheck: time.Minute}, flow.InOrder[string](), []lane{closed, later}, "x")
		if err != nil || len(got) != 1 || got[0].Lane != "later" {
			t.Fatalf("got %v, %v", got, err)
		}
		if took := time.Since(start); took != 2*time.Minute {
			t.Errorf("found the open lane after %v, want the second recheck", took)
		}
	})
}

func TestRouterSkipsALaneForItsPenalty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router, err := flow.NewRouter(itemKey, replyKey, flow.InOrder[string](),
			[]lane{laneThat("a", func(s string) bool { return s == "1" }), answers("b")},
			flow.RouterConfig[string, reply]{Failed: replyFailed, Penalty: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		p := flow.New(t.Context())
		items := make(chan string)
		results := flow.Chan(p, flow.Via(p, flow.FromChan(p, items), router))
		var lanes string
		for i := range 4 {
			items <- fmt.Sprint(i + 1)
			lanes += (<-results).Lane
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
		slow := lane{Name: "slow", Limit: 2, Build: func() flow.Stage[string, reply] {
			return flow.Parallel(flow.Map(func(_ context.Context, s string) (reply, error) {
				time.Sleep(time.Second)
				return reply{Item: s}, nil
			}), flow.Concurrency{Workers: 10})
		}}
		start := time.Now()
		got, err := route(t, flow.RouterConfig[string, reply]{}, flow.InOrder[string](), []lane{slow}, "1", "2", "3", "4", "5", "6")
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
	got, err := route(t, flow.RouterConfig[string, reply]{Assignments: store}, flow.InOrder[string](),
		[]lane{answers("a"), answers("b")}, "new", "old")
	if err != nil {
		t.Fatal(err)
	}
	want := []routed{
		{Result: reply{Item: "new", By: "a"}, Lane: "a"},
		{Result: reply{Item: "old", By: "b"}, Lane: "b"},
	}
	if diff := cmp.Diff(want, got, byItem); diff != "" {
		t.Error(diff)
	}
	if lanes, err := store.Assigned(t.Context(), []string{"new"}); err != nil || lanes[0] != "a" {
		t.Errorf("the new item's lane was recorded as %q, %v", lanes, err)
	}
}

func TestRouterReportsALaneThatForgetsOrInventsAnswers(t *testing.T) {
	for name, stage := range map[string]flow.Func[string, reply]{
		"forgets": flow.FlatMap(func(context.Context, string) ([]reply, error) { return nil, nil }),
		"invents": flow.Map(func(context.Context, string) (reply, error) { return reply{Item: "other"}, nil }),
		"repeats": flow.FlatMap(func(_ context.Context, s string) ([]reply, error) {
			return []reply{{Item: s}, {Item: s}}, nil
		}),
	} {
		t.Run(name, func(t *testing.T) {
			wrong := lane{Name: "wrong", Build: func() flow.Stage[string, reply] { return stage }}
			_, err := route(t, flow.RouterConfig[string, reply]{}, flow.InOrder[string](), []lane{wrong}, "x")
			if !errors.Is(err, flow.ErrLane) {
				t.Errorf("got %v, want ErrLane", err)
			}
		})
	}
}

// Whatever the lanes are and whichever of them fail, every item has one result, and it is a failure only if all have tried.
func TestRouterGivesEveryItemOneResult(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var lanes []lane
		bad := map[string]int{} // item -> lanes that fail it
		for i := range rapid.IntRange(1, 4).Draw(rt, "lanes") {
			fails := rapid.SliceOfNDistinct(rapid.IntRange(0, 99), 0, 100, rapid.ID).Draw(rt, "fails")
			for _, item := range fails {
				bad[strconv.Itoa(item)]++
			}
			l := laneThat(fmt.Sprint("lane", i), func(s string) bool {
				return slices.ContainsFunc(fails, func(f int) bool { return strconv.Itoa(f) == s })
			})
			l.Limit = rapid.IntRange(0, 1).Draw(rt, "limited") * 5
			if l.Limit == 0 {
				l = gathers(rapid.IntRange(1, 10).Draw(rt, "gathers"), l)
			}
			lanes = append(lanes, l)
		}
		strategy := rapid.SampledFrom([]flow.Strategy[string]{
			flow.InOrder[string](), flow.RoundRobin[string](), flow.LeastLoaded[string](), flow.Fastest[string](), flow.Weighted[string](),
		}).Draw(rt, "strategy")
		items := make([]string, rapid.IntRange(0, 100).Draw(rt, "items"))
		for i := range items {
			items[i] = strconv.Itoa(i)
		}
		got, err := route(t, flow.RouterConfig[string, reply]{Failed: replyFailed, Limit: 40, Recheck: time.Millisecond}, strategy, lanes, items...)
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
	for name, lanes := range map[string][]lane{
		"none":     nil,
		"unnamed":  {answers("")},
		"twice":    {answers("a"), answers("a")},
		"no build": {{Name: "a"}},
		"negative": {{Name: "a", Build: answers("a").Build, Weight: -1}},
	} {
		if _, err := flow.NewRouter(itemKey, replyKey, flow.InOrder[string](), lanes, flow.RouterConfig[string, reply]{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := flow.NewRouter(itemKey, replyKey, flow.InOrder[string](), []lane{answers("a")},
		flow.RouterConfig[string, reply]{Limit: -1}); err == nil {
		t.Error("a negative limit was accepted")
	}
}
