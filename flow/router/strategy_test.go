package router_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow/router"
)

var threeLanes = []router.State{
	{Name: "a", Weight: 5, Price: 3, Load: 7, Latency: 20},
	{Name: "b", Weight: 1, Price: 1, Load: 9, Latency: 10},
	{Name: "c", Weight: 1, Price: 2, Load: 2, Latency: 30},
}

// picks returns the names that strategy takes for items.
func picks(strategy router.Strategy[string], lanes []router.State, items ...string) (names string) {
	for _, item := range items {
		names += lanes[strategy(item, lanes)].Name
	}
	return names
}

func TestStrategies(t *testing.T) {
	seven := []string{"", "", "", "", "", "", ""}
	first := func(s string) string { return s[:1] }
	table := map[string]string{"p": "b", "n": "c"}
	for name, c := range map[string]struct {
		strategy router.Strategy[string]
		items    []string
		want     string
	}{
		"in order":     {router.InOrder[string](), seven[:3], "aaa"},
		"round robin":  {router.RoundRobin[string](), seven, "abcabca"},
		"weighted":     {router.Weighted[string](), seven, "aabacaa"},
		"least loaded": {router.LeastLoaded[string](), seven[:1], "c"},
		"cheapest":     {router.Cheapest[string](), seven[:1], "b"},
		"fastest":      {router.Fastest[string](), seven[:1], "b"},
		"by table":     {router.ByTable(first, table, "a"), []string{"poem", "news", "other"}, "bca"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, picks(c.strategy, threeLanes, c.items...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestByTableFallsBackToTheFirstLaneThatTakesItems(t *testing.T) {
	same := func(s string) string { return s }
	if got := picks(router.ByTable(same, map[string]string{"poem": "gone"}, "gone"), threeLanes, "poem", "x"); got != "aa" {
		t.Errorf("took %s, want aa", got)
	}
}

func TestFastestMeasuresEveryLaneFirst(t *testing.T) {
	lanes := []router.State{{Name: "a", Latency: 5}, {Name: "new"}}
	if got := picks(router.Fastest[string](), lanes, "x"); got != "new" {
		t.Errorf("took %s, want the lane without a measurement", got)
	}
}
