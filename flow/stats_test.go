package flow_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
)

func TestStatsNeverGoBack(t *testing.T) {
	p := flow.New(t.Context(), flow.WithStats())
	flow.To(p, flow.From(p, slices.Values(make([]int, 20_000))), func(context.Context, int) error {
		runtime.Gosched() // so that the source waits often
		return nil
	})
	done := make(chan error)
	go func() { done <- p.Wait() }()
	before := p.Stats()
	for ended := false; !ended; {
		select {
		case err := <-done:
			if ended = true; err != nil {
				t.Error(err)
			}
		default:
		}
		now := p.Stats()
		for i, s := range now {
			if b := before[i]; s.In < b.In || s.Out < b.Out || s.Busy < b.Busy || s.Held < b.Held {
				t.Fatalf("%+v after %+v", s, b)
			}
		}
		before = now
	}
}

func TestStatsTellHowLongFunctionsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context(), flow.WithStats())
		items := flow.Via(p, flow.From(p, slices.Values(make([]int, 6))), flow.Map(nap), flow.Name("one by one"))
		items = flow.Via(p, items, flow.Parallel(flow.Map(nap), flow.Concurrency{Workers: 3}), flow.Name("three at a time"))
		items = flow.Via(p, items, flow.Compose(func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			return flow.Via(p, flow.Via(p, in, flow.Map(nap)), flow.Map(nap))
		}), flow.Name("two inside"))
		items = flow.Via(p, items, asStage(flow.Filter(even)), flow.Name("in no time"))
		flow.To(p, items, func(context.Context, int) error { time.Sleep(time.Minute); return nil }, flow.Name("end"))
		if err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		want := map[string]time.Duration{
			"source": 0, "one by one": 6 * time.Second, "three at a time": 6 * time.Second,
			"two inside": 12 * time.Second, "in no time": 0, "end": 6 * time.Minute,
		}
		got := map[string]time.Duration{}
		for _, s := range p.Stats() {
			got[s.Name] = s.Busy
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
