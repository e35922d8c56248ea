package flow_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

// sleepThat is a call that takes as many seconds as it is told.
func sleepThat(ctx context.Context, seconds int) (int, error) {
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
		return seconds, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestParallelKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := []int{5, 1, 4, 1, 3, 9, 2, 1, 1, 1, 1, 7}
		start := time.Now()
		got, err := flowtest.Through(t, flow.Parallel(flow.Map(sleepThat), flow.Concurrency{Workers: 4}), want...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(start); took >= 36*time.Second {
			t.Errorf("36 s of calls took %v: nothing ran at the same time", took)
		}
	})
}

func TestParallelUnorderedSendsResultsAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stage := flow.Parallel(flow.Map(sleepThat), flow.Concurrency{Workers: 3, Unordered: true})
		got, err := flowtest.Through(t, stage, 3, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestParallelRunsAtMostItsWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		call := flow.Each(func(context.Context, int) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		})
		if _, err := flowtest.Through(t, flow.Parallel(call, flow.Concurrency{Workers: 3}), make([]int, 20)...); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 3 {
			t.Errorf("%d calls at a time, want 3", most.Load())
		}
	})
}

func TestParallelSendsAResultWhileOthersAreStillOnTheirWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := flow.New(t.Context())
		done := flow.Chan(p, flow.Via(p, flow.From(p, slices.Values([]int{1, 60})),
			flow.Parallel(flow.Map(sleepThat), flow.Concurrency{Workers: 2})))
		start := time.Now()
		if got := <-done; got != 1 || time.Since(start) != time.Second {
			t.Errorf("got %d after %v, want 1 after 1s", got, time.Since(start))
		}
		<-done
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestParallelGivesUpOnAnItemAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := flowtest.Through(t, flow.Parallel(flow.Map(sleepThat), flow.Concurrency{Workers: 2, Timeout: 3 * time.Second}), 1, 60, 2)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %v, want a deadline after 3s", err, time.Since(start))
		}
	})
}

func TestParallelFilterLeavesNoGapInTheOrder(t *testing.T) {
	got, err := flowtest.Through(t, flow.Parallel(flow.Filter(even), flow.Concurrency{Workers: 3}), 1, 2, 3, 4, 5, 6)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 4, 6}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParallelRefusesAConfigThatMakesNoSense(t *testing.T) {
	for _, c := range []flow.Concurrency{{Workers: -1}, {Timeout: -1}} {
		if _, err := flowtest.Through(t, flow.Parallel(flow.Map(double), c), 1); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
