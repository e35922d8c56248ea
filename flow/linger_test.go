package flow_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/internal/flowtest"
	"github.com/balerhq/baler/flow/join"
	"github.com/balerhq/baler/flow/router"
)

// arrivals returns when each item reached the end of the pipeline, in whole
// seconds since start.
func arrivals(p *flow.Pipeline, items <-chan []int) (seconds []int) {
	start := time.Now()
	for range flow.Chan(p, items) {
		seconds = append(seconds, int(time.Since(start)/time.Second))
	}
	return seconds
}

// What gathers while the next stage is busy goes on as soon as it is free,
// though the source has nothing more to say.
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

// A slow function is handed a slice of many items, and sends each result when
// it is there.
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

// A function that was fast and becomes slow keeps back at most the results of
// 64 calls, once.
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

// oneToOne is a stage of every kind that does not hold items back by design,
// each of which lets numbers through.
func oneToOne(t *testing.T) map[string]func(p *flow.Pipeline, in <-chan []int) <-chan []int {
	t.Helper()
	name := strconv.Itoa
	via := func(stage flow.Stage[int, int]) func(*flow.Pipeline, <-chan []int) <-chan []int {
		return func(p *flow.Pipeline, in <-chan []int) <-chan []int { return flow.Via(p, in, stage) }
	}
	same := flow.Map(func(_ context.Context, v int) (int, error) { return v, nil })
	routed, err := router.New(name, name, router.RoundRobin[int](), []router.Route[int, int]{
		{Name: "a", Build: func() flow.Stage[int, int] { return same }}, {Name: "b", Build: func() flow.Stage[int, int] { return same }},
	}, router.Config[int, int]{})
	if err != nil {
		t.Fatal(err)
	}
	keys := dedup.NewKeys(&dedup.MemoryStates{})
	number := func(v int) int { return v }
	return map[string]func(p *flow.Pipeline, in <-chan []int) <-chan []int{
		"map": via(same), "filter": via(flow.Filter(func(int) bool { return true })), "stage": via(asStage(same)),
		"flatmap":   via(flow.FlatMap(func(_ context.Context, v int) ([]int, error) { return []int{v}, nil })),
		"each":      via(flow.Each(func(context.Context, int) error { return nil })),
		"then":      via(flow.Then(same, same)),
		"parallel":  via(flow.Parallel(same, flow.Concurrency{Workers: 3})),
		"unordered": via(flow.Parallel(same, flow.Concurrency{Workers: 3, Unordered: true})),
		"compose": via(flow.Compose(func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			return flow.Via(p, flow.Via(p, in, asStage(same)), same)
		})),
		"dedup": via(flow.Then(flow.Then(dedup.New(keys, name, nil), dedup.Claim(keys, name)), dedup.Settle(keys, name))),
		"router": func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			return flow.Via(p, flow.Via(p, in, routed), flow.Map(func(_ context.Context, r router.Routed[int]) (int, error) { return r.Result, nil }))
		},
		"coalesce": func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			return flow.Via(p, flow.Via(p, in, dedup.Coalesce(name, name, same, 0)),
				flow.Map(func(_ context.Context, a dedup.Answered[int, int]) (int, error) { return a.Result, nil }))
		},
		"samples and flatten": func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			ones := flow.Via(p, flow.Via(p, in, dedup.Samples[int](1)), flow.Map(func(_ context.Context, s dedup.Sample[int]) ([]int, error) {
				return []int{s.Item}, nil
			}))
			return flow.Via(p, ones, flow.Flatten[int]())
		},
		"tee and join": func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			a, b := flow.Tee(p, in)
			return flow.Via(p, join.Pairs(p, a, b, number, number, join.PairConfig[int, int]{MaxOpen: 9}),
				flow.Map(func(_ context.Context, pair join.Pair[int, int]) (int, error) { return pair.Left, nil }))
		},
		"partition and merge": func(p *flow.Pipeline, in <-chan []int) <-chan []int {
			evens, odds := flow.Partition(p, in, even)
			return flow.Merge(p, evens, odds)
		},
	}
}

// Whatever the stage, and whatever follows it, an item is at the end before the
// source says another word.
func TestNoItemLingersInAnyKindOfStage(t *testing.T) {
	for name, add := range oneToOne(t) {
		for _, opts := range [][]flow.Option{nil, {flow.WithStats()}} {
			t.Run(fmt.Sprint(name, " with ", len(opts), " options"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := flow.New(t.Context(), opts...)
					var got []int
					first := len(opts) * 10 // keys of their own, for the stages that remember
					quiet := flow.From(p, func(yield func(int) bool) {
						for i := range 5 {
							if !yield(first + i) {
								return
							}
							synctest.Wait() // everybody else has nothing left to do
							if len(got) != i+1 {
								t.Errorf("after item %d %d have arrived", i, len(got))
							}
						}
					})
					flow.To(p, add(p, quiet), flowtest.Collect(&got))
					if err := p.Wait(); err != nil {
						t.Fatal(err)
					}
				})
			})
		}
	}
}
