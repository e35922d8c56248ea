package flow_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

func TestTeeSendsEveryItemBothWays(t *testing.T) {
	p := flow.New(t.Context())
	a, b := flow.Tee(p, flow.From(p, slices.Values([]int{1, 2, 3})))
	var gotA, gotB []int
	flow.To(p, flow.Via(p, a, flow.Map(double)), flowtest.Collect(&gotA)) // changes its slices in place
	flow.To(p, b, flowtest.Collect(&gotB))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]int{{2, 4, 6}, {1, 2, 3}}, [][]int{gotA, gotB}); diff != "" {
		t.Error(diff)
	}
}

func TestTeeServesTheReaderThatIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := flow.New(ctx)
		a, b := flow.Tee(p, flow.From(p, slices.Values([]int{1})))
		if got := <-flow.Chan(p, b); got != 1 {
			t.Errorf("got %d while nobody reads the other branch", got)
		}
		cancel()
		flow.Discard(p, a)
		if err := p.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestPartitionThenMergeLosesNothing(t *testing.T) {
	p := flow.New(t.Context())
	evens, odds := flow.Partition(p, flow.From(p, slices.Values([]int{1, 2, 3, 4, 5})), even)
	tens := flow.Via(p, odds, flow.Map(func(_ context.Context, v int) (int, error) { return 10 * v, nil }))
	var got []int
	flow.To(p, flow.Merge(p, evens, tens), flowtest.Collect(&got))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]int{2, 4, 10, 30, 50}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMergeOfNothingIsAnEmptyStream(t *testing.T) {
	p := flow.New(t.Context())
	flow.To(p, flow.Merge[int](p), func(context.Context, int) error { return flowtest.ErrBoom })
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestThenFusesFunctions(t *testing.T) {
	explode := flow.FlatMap(func(_ context.Context, v int) ([]int, error) { return []int{v, v + 1}, nil })
	got, err := flowtest.Through(t, flow.Then(flow.Then(explode, flow.Filter(even)), flow.Map(double)), 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 4, 8}, got); diff != "" {
		t.Error(diff)
	}
}

func TestComposeMakesOneStageOfSeveral(t *testing.T) {
	stage := flow.Compose(func(p *flow.Pipeline, in <-chan []int) <-chan []int {
		evens, odds := flow.Partition(p, in, even)
		flow.Discard(p, odds)
		return flow.Via(p, evens, flow.Map(double))
	})
	got, err := flowtest.Through(t, stage, 1, 2, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{4, 8}, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorInsideAComposedStageNamesBothStages(t *testing.T) {
	stage := flow.Compose(func(p *flow.Pipeline, in <-chan []int) <-chan []int {
		return flow.Via(p, in, flow.Each(func(context.Context, int) error { return flowtest.ErrBoom }), flow.Name("inner"))
	})
	_, err := flowtest.Through(t, stage, 1)
	const want = `flow: stage "compose": flow: stage "inner": boom`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFlattenTurnsBatchesIntoItems(t *testing.T) {
	got, err := flowtest.Through(t, flow.Flatten[int](), []int{1, 2}, nil, []int{3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
}
