package flow_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
)

var threeLanes = []flow.LaneState{
	{Name: "a", Weight: 5, Price: 3, Load: 7, Latency: 20},
	{Name: "b", Weight: 1, Price: 1, Load: 9, Latency: 10},
	{Name: "c", Weight: 1, Price: 2, Load: 2, Latency: 30},
}

// picks returns the names that strategy takes for items.
func picks(strategy flow.Strategy[string], lanes []flow.LaneState, items ...string) (names string) {
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
		strategy flow.Strategy[string]
		items    []string
		want     string
	}{
		"in order":     {flow.InOrder[string](), seven[:3], "aaa"},
		"round robin":  {flow.RoundRobin[string](), seven, "abcabca"},
		"weighted":     {flow.Weighted[string](), seven, "aabacaa"},
		"least loaded": {flow.LeastLoaded[string](), seven[:1], "c"},
		"cheapest":     {flow.Cheapest[string](), seven[:1], "b"},
		"fastest":      {flow.Fastest[string](), seven[:1], "b"},
		"by table":     {flow.ByTable(first, table, "a"), []string{"poem", "news", "other"}, "bca"},
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
	if got := picks(flow.ByTable(same, map[string]string{"poem": "gone"}, "gone"), threeLanes, "poem", "x"); got != "aa" {
		t.Errorf("took %s, want aa", got)
	}
}

func TestFastestMeasuresEveryLaneFirst(t *testing.T) {
	lanes := []flow.LaneState{{Name: "a", Latency: 5}, {Name: "new"}}
	if got := picks(flow.Fastest[string](), lanes, "x"); got != "new" {
		t.Errorf("took %s, want the lane without a measurement", got)
	}
}
