package flow_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
)

// arrivals returns when each item reached the end of the pipeline, in whole seconds since start.
func arrivals(p *flow.Pipeline, items <-chan []int) (seconds []int) {
	start := time.Now()
	for range flow.Chan(p, items) {
		seconds = append(seconds, int(time.Since(start)/time.Second))
	}
	return seconds
}

// What gathers while the next stage is busy goes on as soon as it is free, though the source has nothing more to say.
func TestNoItemLingersWhenTheSourceGoesQuietWhileTheNextStageIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context())
		burst := flow.From(p, func(yield func(int) bool) {
			for i := 0; i < 5 && yield(i); i++ {
			}
			time.Sleep(time.Hour)
			yield(5)
		})
		slow := flow.Each(func(context.Context, int) error { time.Sleep(time.Second); return nil })
		got := arrivals(p, flow.Via(p, burst, slow))
		if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 3601}, got); diff != "" {
			t.Error(diff)
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A slow function is handed a slice of many items, and sends each result when it is there.
func TestNoResultWaitsForTheOthersOfItsSlice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context())
		whole := make(chan []int, 1)
		whole <- []int{0, 1, 2, 3}
		close(whole)
		slow := flow.Map(func(_ context.Context, v int) (int, error) { time.Sleep(time.Second); return v, nil })
		if diff := cmp.Diff([]int{1, 2, 3, 4}, arrivals(p, flow.Via(p, whole, slow))); diff != "" {
			t.Error(diff)
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// A function that was fast and becomes slow keeps back at most the results of 64 calls, once.
func TestAFunctionThatBecomesSlowSendsEveryResultSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fast, slow = 1000, 200
		p := flow.New(t.Context())
		items := flow.From(p, func(yield func(int) bool) {
			for i := 0; i < fast+slow && yield(i); i++ {
			}
		})
		turns := flow.Map(func(_ context.Context, v int) (int, error) {
			if v >= fast {
				time.Sleep(time.Second)
			}
			return v, nil
		})
		got := arrivals(p, flow.Via(p, items, turns))
		for i, at := range got[fast:] {
			if done := i + 1; at > done+64 || done > 64 && at != done {
				t.Errorf("slow result %d was ready after %d s and arrived after %d s", i, done, at)
			}
		}
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}
