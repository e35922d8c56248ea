package flow_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
)

// diamond is a pipeline with a fork and a join, over a channel that it does not
// know.
func diamond(ctx context.Context, opts ...flow.Option) *flow.Pipeline {
	p := flow.New(ctx, opts...)
	unknown := make(chan []int, 1)
	unknown <- []int{1, 2, 3}
	close(unknown)
	evens, odds := flow.Partition(p, unknown, even, flow.Name(`even or "odd"`))
	flow.Discard(p, flow.Merge(p, flow.Via(p, evens, flow.Map(double)), flow.Via(p, odds, flow.Map(double))), flow.Name("end"))
	return p
}

func TestGraphAsMermaid(t *testing.T) {
	p := diamond(t.Context())
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	const want = `flowchart LR
  n0["even or #quot;odd#quot;"]
  n1["map"]
  n2["map#2"]
  n3["merge"]
  n4["end"]
  n0 --> n1
  n0 --> n2
  n1 --> n3
  n2 --> n3
  n3 --> n4
`
	if diff := cmp.Diff(want, p.Graph().Mermaid()); diff != "" {
		t.Error(diff)
	}
}

func TestGraphAsDOT(t *testing.T) {
	g := flow.Graph{Nodes: []flow.Node{{Name: `say "hi"`}, {Name: "b", Reads: []string{`say "hi"`, "?"}}}}
	const want = `digraph pipeline {
  rankdir=LR;
  n0 [label="say \"hi\""];
  n1 [label="b"];
  n0 -> n1;
}
`
	if diff := cmp.Diff(want, g.DOT()); diff != "" {
		t.Error(diff)
	}
}

func TestStatsCountWhatGoesThroughEveryStage(t *testing.T) {
	p := diamond(t.Context(), flow.WithStats())
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Stats() {
		got = append(got, fmt.Sprintf("%s %d/%d/%d", s.Name, s.In, s.Out, s.Waiting))
	}
	want := []string{`even or "odd" 0/3/0`, "map 1/1/0", "map#2 2/2/0", "merge 3/3/0", "end 3/0/0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestStatsShowTheStageThatHoldsUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context(), flow.WithStats())
		steady := flow.From(p, func(yield func(int) bool) {
			for i := 0; i < 30 && yield(i); i++ {
				time.Sleep(100 * time.Millisecond)
			}
		})
		fast := flow.Via(p, steady, flow.Map(double), flow.Name("fast"))
		slow := flow.Via(p, fast, flow.Each(func(context.Context, int) error { time.Sleep(time.Second); return nil }), flow.Name("slow"))
		flow.Discard(p, slow, flow.Name("end"))
		time.Sleep(2500 * time.Millisecond)
		held := map[string]time.Duration{}
		for _, s := range p.Stats() {
			held[s.Name] = s.Held
		}
		if held["slow"] < 2*time.Second || held["fast"] >= held["slow"] || held["end"] != 0 {
			t.Errorf("held %v, want slow to be the last that holds", held)
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestWithoutStatsNothingIsCounted(t *testing.T) {
	p := diamond(t.Context())
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Stats() {
		if s != (flow.StageStats{Name: s.Name}) {
			t.Errorf("%+v was counted", s)
		}
	}
}
