package router_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
)

// lanesOf routes one item after the other, pausing between them, and returns
// the lanes that answered.
func lanesOf(t *testing.T, n int, pause time.Duration, s router.Strategy[string], c router.Config[string, flowtest.Reply], lanes ...flowtest.Route) (by string) {
	t.Helper()
	routed, err := router.New(flowtest.ItemKey, flowtest.ReplyKey, s, lanes, c)
	if err != nil {
		t.Fatal(err)
	}
	p := flow.New(t.Context())
	items := make(chan string)
	results := flow.Chan(p, flow.Via(p, flow.FromChan(p, items), routed))
	for range n {
		items <- "x"
		by += (<-results).Route
		time.Sleep(pause)
	}
	close(items)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	return by
}

func TestRouterSkipsALaneThatAFailureGuardHasPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		guard, err := retry.NewGuard(retry.GuardConfig{MinCount: 3})
		if err != nil {
			t.Fatal(err)
		}
		scope := retry.Scope{Provider: "a"}
		guarded := flowtest.FailsAll("a")
		guarded.Open = func() bool { _, paused := guard.Paused(scope); return !paused }
		asked := 0
		failed := func(r flowtest.Reply) bool {
			if r.By == "a" {
				asked++
				guard.Record(scope, errors.New("refused"))
			}
			return r.Bad
		}
		by := lanesOf(t, 10, time.Second, router.InOrder[string](), router.Config[string, flowtest.Reply]{Failed: failed}, guarded, flowtest.Answers("b"))
		if by != "bbbbbbbbbb" || asked != 3 {
			t.Errorf("%s after a was asked %d times, want b every time and a 3 times", by, asked)
		}
	})
}

func TestRouterSkipsALaneWhileItsLimiterIsPenalized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limiter, err := ratelimit.NewLimiter(ratelimit.Per(600, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		limited := flowtest.Answers("a")
		limited.Open = func() bool { _, ok := limiter.TryTake(time.Now(), ratelimit.Cost{}); return ok }
		limiter.Penalize(time.Now().Add(2500 * time.Millisecond))
		if by := lanesOf(t, 5, time.Second, router.InOrder[string](), router.Config[string, flowtest.Reply]{}, limited, flowtest.Answers("b")); by != "bbbaa" {
			t.Errorf("lanes %s, want bbbaa: the limiter is penalized for 2.5s", by)
		}
	})
}

// takes answers after so many seconds: those of the first calls, and then the
// last one again and again.
func takes(name string, seconds ...int) flowtest.Route {
	return flowtest.Route{Name: name, Build: func() flow.Stage[string, flowtest.Reply] {
		return flow.Map(func(_ context.Context, s string) (flowtest.Reply, error) {
			time.Sleep(time.Duration(seconds[0]) * time.Second)
			if len(seconds) > 1 {
				seconds = seconds[1:]
			}
			return flowtest.Reply{Item: s, By: name}, nil
		})
	}}
}

// After one call each b is the faster one, until it has taken ten seconds so
// often that its average is above a's three.
func TestRouterFollowsTheAverageLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := lanesOf(t, 9, 0, router.Fastest[string](), router.Config[string, flowtest.Reply]{}, takes("a", 3), takes("b", 1, 1, 1, 10))
		if diff := cmp.Diff("abbbbbaaa", by); diff != "" {
			t.Error(diff)
		}
	})
}

// ticket has a priority, of another type than its other fields.
type ticket struct {
	Name     string
	Priority int
}

func TestRouterSendsItemsByPriorityAndByAFunctionOfOnesOwn(t *testing.T) {
	byPriority := router.ByTable(func(t ticket) int { return t.Priority }, map[int]string{0: "fast"}, "cheap")
	longNames := func(t ticket, lanes []router.State) int { return min(len(t.Name)-1, len(lanes)-1) }
	for name, c := range map[string]struct {
		strategy router.Strategy[ticket]
		want     map[string]string
	}{
		"priority": {byPriority, map[string]string{"x": "fast", "yy": "cheap"}},
		"own":      {longNames, map[string]string{"x": "cheap", "yy": "fast"}},
	} {
		t.Run(name, func(t *testing.T) {
			same := flow.Each(func(context.Context, ticket) error { return nil })
			build := func() flow.Stage[ticket, ticket] { return same }
			nameOf := func(t ticket) string { return t.Name }
			routed, err := router.New(nameOf, nameOf, c.strategy,
				[]router.Route[ticket, ticket]{{Name: "cheap", Build: build}, {Name: "fast", Build: build}}, router.Config[ticket, ticket]{})
			if err != nil {
				t.Fatal(err)
			}
			results, err := flowtest.Through(t, routed, ticket{"x", 0}, ticket{"yy", 1})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, r := range results {
				got[r.Result.Name] = r.Route
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
