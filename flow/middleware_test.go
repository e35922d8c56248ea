package flow_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
)

type greeting struct{}

// runs records how every run of a stage ended.
type runs struct {
	mu    sync.Mutex
	ended map[string][]error
}

func (r *runs) wrap(ctx context.Context, stage string, run func(context.Context) error) error {
	err := run(context.WithValue(ctx, greeting{}, "hello"))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended[stage] = append(r.ended[stage], err)
	return err
}

func TestMiddlewareRunsEveryStageOnceAndMergeForEachInput(t *testing.T) {
	r := &runs{ended: map[string][]error{}}
	p := diamond(t.Context(), flow.WithMiddleware(r.wrap), flow.WithStats())
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	want := map[string][]error{`even or "odd"`: {nil}, "map": {nil}, "map#2": {nil}, "merge": {nil, nil}, "end": {nil}}
	if diff := cmp.Diff(want, r.ended); diff != "" {
		t.Error(diff)
	}
}

func TestMiddlewareGivesItsContextToTheStage(t *testing.T) {
	r := &runs{ended: map[string][]error{}}
	p := flow.New(t.Context(), flow.WithMiddleware(r.wrap))
	var heard []any
	flow.To(p, flow.From(p, slices.Values([]int{1})), func(ctx context.Context, _ int) error {
		heard = append(heard, ctx.Value(greeting{}))
		return nil
	})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"hello"}, heard); diff != "" {
		t.Error(diff)
	}
}

func TestMiddlewareSeesWhichStageFailedAndWhichWereStopped(t *testing.T) {
	broken := errors.New("broken")
	r := &runs{ended: map[string][]error{}}
	p := flow.New(t.Context(), flow.WithMiddleware(r.wrap))
	idle := flow.FromChan(p, make(chan int), flow.Name("idle"))
	flow.Discard(p, idle)
	failing := flow.FromSeq2(p, func(yield func(int, error) bool) { yield(0, broken) }, flow.Name("failing"))
	flow.Discard(p, failing, flow.Name("end"))
	err := p.Wait()
	var failed *flow.StageError
	if !errors.As(err, &failed) || failed.Stage != "failing" {
		t.Fatalf("Wait = %v, want a StageError of failing", err)
	}
	if got := r.ended["failing"][0]; !errors.Is(got, broken) || errors.Is(got, failed) {
		t.Errorf("the failing stage ended with %v, want %v as it is", got, broken)
	}
	for _, name := range []string{"idle", "discard"} {
		if !errors.Is(r.ended[name][0], failed) {
			t.Errorf("%s ended with %v, want the cause, %v", name, r.ended[name], failed)
		}
	}
}

func TestTheFirstMiddlewareIsOutermost(t *testing.T) {
	var order []string
	note := func(name string) flow.Option {
		return flow.WithMiddleware(func(ctx context.Context, _ string, run func(context.Context) error) error {
			order = append(order, name)
			return run(ctx)
		})
	}
	p := flow.New(t.Context(), note("outer"), note("inner"))
	flow.FromFunc(p, func(context.Context, chan<- []int) error { return nil })
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"outer", "inner"}, order); diff != "" {
		t.Error(diff)
	}
}
