package join_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
	"github.com/balerhq/baler/flow/join"
)

// reading is what a test sensor sends.
type reading struct {
	At     int
	Sensor int
	Value  int
}

type readings = join.Group[int, reading]

func at(r reading) int     { return r.At }
func sensor(r reading) int { return r.Sensor }

// expired keeps the groups that expire.
func expired(into *[]readings) func(context.Context, readings) error {
	return func(_ context.Context, g readings) error {
		*into = append(*into, g)
		return nil
	}
}

func TestJoinPutsItemsOfOneKeyTogether(t *testing.T) {
	var late []readings
	got, err := flowtest.Through(t, join.New(at, sensor, 2, join.Config[int, reading]{MaxOpen: 10, Expired: expired(&late)}),
		reading{1, 0, 10}, reading{2, 1, 21}, reading{3, 0, 30}, reading{2, 0, 20}, reading{1, 1, 11})
	if err != nil {
		t.Fatal(err)
	}
	want := []readings{
		{Key: 2, Items: []reading{{2, 0, 20}, {2, 1, 21}}},
		{Key: 1, Items: []reading{{1, 0, 10}, {1, 1, 11}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]readings{{Key: 3, Items: []reading{{3, 0, 30}, {}}, Missing: []int{1}}}, late); diff != "" {
		t.Error(diff)
	}
}

func TestJoinGivesEveryItemOneGroupEvenIfAPartComesTwice(t *testing.T) {
	got, err := flowtest.Through(t, join.New(at, sensor, 2, join.Config[int, reading]{MaxOpen: 10}),
		reading{1, 0, 1}, reading{1, 0, 2}, reading{1, 1, 3}, reading{1, 1, 4})
	if err != nil {
		t.Fatal(err)
	}
	want := []readings{
		{Key: 1, Items: []reading{{1, 0, 1}, {1, 1, 3}}},
		{Key: 1, Items: []reading{{1, 0, 2}, {1, 1, 4}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestJoinExpiresAGroupThatIsTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var when []time.Duration
		stage := join.New(at, sensor, 2, join.Config[int, reading]{
			Within:  time.Minute,
			Expired: func(context.Context, readings) error { when = append(when, time.Since(start)); return nil },
		})
		p := flow.New(t.Context())
		items := make(chan reading)
		flow.Discard(p, flow.Via(p, flow.FromChan(p, items), stage))
		items <- reading{At: 1}
		time.Sleep(40 * time.Second)
		items <- reading{At: 2}
		time.Sleep(10 * time.Minute)
		close(items)
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{time.Minute, 100 * time.Second}, when); diff != "" {
			t.Error(diff)
		}
	})
}

func TestJoinExpiresByCountAndByNumberOfKeys(t *testing.T) {
	for name, c := range map[string]join.Config[int, reading]{
		"two more items": {WithinItems: 2},
		"two keys":       {MaxOpen: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var late []readings
			c.Expired = expired(&late)
			got, err := flowtest.Through(t, join.New(at, sensor, 2, c),
				reading{1, 0, 0}, reading{2, 0, 0}, reading{3, 0, 0}, reading{4, 0, 0}, reading{4, 1, 0}, reading{1, 1, 0})
			if err != nil || len(got) != 1 || got[0].Key != 4 {
				t.Errorf("complete: %v, %v, want the group 4", got, err)
			}
			var keys []int
			for _, g := range late {
				keys = append(keys, g.Key)
			}
			if diff := cmp.Diff([]int{1, 2, 3, 1}, keys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJoinWithoutAHookFailsRatherThanDropAnItem(t *testing.T) {
	_, err := flowtest.Through(t, join.New(at, sensor, 2, join.Config[int, reading]{MaxOpen: 1}), reading{1, 0, 0})
	if !errors.Is(err, join.ErrIncomplete) {
		t.Errorf("got %v, want ErrIncomplete", err)
	}
}

func TestJoinRefusesWhatMakesNoSense(t *testing.T) {
	for name, stage := range map[string]flow.Stage[reading, readings]{
		"one part":  join.New(at, sensor, 1, join.Config[int, reading]{MaxOpen: 1}),
		"no bound":  join.New(at, sensor, 2, join.Config[int, reading]{}),
		"negative":  join.New(at, sensor, 2, join.Config[int, reading]{MaxOpen: -1}),
		"part nine": join.New(at, func(reading) int { return 9 }, 2, join.Config[int, reading]{MaxOpen: 1}),
	} {
		if _, err := flowtest.Through(t, stage, reading{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestJoin2PairsItemsOfTwoTypes(t *testing.T) {
	p := flow.New(t.Context())
	names := flow.From(p, slices.Values([]string{"one", "three", "seven!"}))
	numbers := flow.From(p, slices.Values([]int{5, 3, 4}))
	var lonely []any
	pairs := join.Pairs(p, names, numbers, func(s string) int { return len(s) }, func(n int) int { return n },
		join.PairConfig[string, int]{MaxOpen: 9, Expired: func(_ context.Context, s *string, n *int) error {
			if s != nil {
				lonely = append(lonely, *s)
			} else {
				lonely = append(lonely, *n)
			}
			return nil
		}})
	var got []join.Pair[string, int]
	flow.To(p, pairs, flowtest.Collect(&got))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b join.Pair[string, int]) int { return a.Right - b.Right })
	if diff := cmp.Diff([]join.Pair[string, int]{{"one", 3}, {"three", 5}}, got); diff != "" {
		t.Error(diff)
	}
	if len(lonely) != 2 {
		t.Errorf("lonely %v, want seven! and 4", lonely)
	}
}

// Whatever comes, every item is in exactly one group, complete or expired,
// under its key and part.
func TestJoinLosesAndRepeatsNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(rt, "items")
		items := make([]reading, n)
		for i := range items {
			items[i] = reading{rapid.IntRange(0, 4).Draw(rt, "key"), rapid.IntRange(0, 2).Draw(rt, "part"), i}
		}
		var groups []readings
		got, err := flowtest.Through(t, join.New(at, sensor, 3, join.Config[int, reading]{
			WithinItems: rapid.IntRange(0, 20).Draw(rt, "within"),
			MaxOpen:     rapid.IntRange(1, 5).Draw(rt, "open"),
			Expired:     expired(&groups),
		}), items...)
		if err != nil {
			rt.Fatal(err)
		}
		seen := make([]int, n)
		for _, g := range append(got, groups...) {
			for part, item := range g.Items {
				if slices.Contains(g.Missing, part) {
					continue
				}
				if item.At != g.Key || item.Sensor != part {
					rt.Errorf("%v in part %d of group %d", item, part, g.Key)
				}
				seen[item.Value]++
			}
		}
		for i, times := range seen {
			if times != 1 {
				rt.Errorf("item %d is in %d groups", i, times)
			}
		}
	})
}

// Three sources, three types: the items travel as an interface until they are
// together.
func TestJoinGroupsItemsOfThreeTypes(t *testing.T) {
	part := func(v any) int {
		switch v.(type) {
		case string:
			return 0
		case int:
			return 1
		default:
			return 2
		}
	}
	key := func(v any) string { return fmt.Sprint(v)[:1] }
	got, err := flowtest.Through(t, join.New(key, part, 3, join.Config[string, any]{MaxOpen: 4}),
		any("7up"), any(42), any(7), any(4.5), any(7.25), any("4x4"))
	if err != nil {
		t.Fatal(err)
	}
	want := []join.Group[string, any]{
		{Key: "7", Items: []any{"7up", 7, 7.25}},
		{Key: "4", Items: []any{"4x4", 42, 4.5}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
