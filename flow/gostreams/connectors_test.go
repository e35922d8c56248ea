package gostreams_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/reugn/go-streams"
	ext "github.com/reugn/go-streams/extension"
	gsflow "github.com/reugn/go-streams/flow"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

// stdoutOf returns what f prints.
func stdoutOf(t *testing.T, f func()) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = write
	defer func() { os.Stdout = stdout }()
	f()
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOurFlowEndsInTheirStdoutSink(t *testing.T) {
	got := stdoutOf(t, func() {
		ours := gostreams.NewFlow(t.Context(), flow.Map(inc))
		ext.NewChanSource(feed(1, 2, 3)).Via(ours).To(ext.NewStdoutSink())
	})
	if diff := cmp.Diff("2\n3\n4\n", got); diff != "" {
		t.Error(diff)
	}
}

func TestOurPipelineEndsInTheirChanSink(t *testing.T) {
	out := make(chan any, 10)
	p := flow.New(t.Context())
	gostreams.To(p, flow.From(p, slices.Values([]int{1, 2, 3})), ext.NewChanSink(out))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3}, ints(out)); diff != "" {
		t.Error(diff)
	}
}

// A fused chain and a batcher in one go-streams Flow: nothing of the last,
// incomplete batch is lost.
func TestAComposedChainIsOneFlowAndLosesNothingAtTheEnd(t *testing.T) {
	chain := flow.Compose(func(p *flow.Pipeline, in <-chan []int) <-chan []accumulator.Batch[int] {
		fused := flow.Then(flow.Map(inc), flow.Filter(func(v int) bool { return v%10 != 0 }))
		return flow.Via(p, flow.Via(p, in, fused), accumulator.New[int](accumulator.Config{MaxItems: 100, MaxWait: time.Hour}))
	})
	items := make([]any, 1234)
	for i := range items {
		items[i] = i
	}
	ours := gostreams.NewFlow(t.Context(), chain)
	count := 0
	for batch := range ext.NewChanSource(feed(items...)).Via(ours).Out() {
		count += len(batch.(accumulator.Batch[int]).Items)
	}
	if err := ours.Err(); err != nil || count != 1234-123 {
		t.Errorf("%d items arrived, %v, want %d", count, err, 1234-123)
	}
}

func TestItemsOfAnyTypeMayComeInSlices(t *testing.T) {
	ours := gostreams.NewFlow(t.Context(), flow.Filter(func(any) bool { return true }))
	var got []any
	for v := range ext.NewChanSource(feed("a", []any{1, 2.5})).Via(ours).Out() {
		got = append(got, v)
	}
	if diff := cmp.Diff([]any{"a", 1, 2.5}, got); diff != "" {
		t.Error(diff)
	}
}

// Whenever the context ends, the go-streams operators before and after our Flow
// can finish, and so does it.
func TestCancelOfAFlowLeavesNoGoroutine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		after := rapid.IntRange(0, 2000).Draw(rt, "after")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		items := make([]any, 2000)
		for i := range items {
			items[i] = i
		}
		ours := gostreams.NewFlow(ctx, flow.Map(func(_ context.Context, v int) (int, error) {
			if v == after {
				cancel(errBoom)
			}
			return v, nil
		}))
		got := ints(ext.NewChanSource(feed(items...)).Via(gsflow.NewPassThrough()).Via(ours).Via(gsflow.NewPassThrough()).Out())
		for i, v := range got {
			if v != i {
				rt.Fatalf("item %d is %d", i, v)
			}
		}
		if err := ours.Err(); len(got) < len(items) && !errors.Is(err, errBoom) {
			rt.Errorf("%d of %d items and Err() = %v", len(got), len(items), err)
		}
	})
}

// Wherever a pipeline is cancelled, a go-streams Flow inside it ends with it.
func TestCancelOfAPipelineEndsTheirFlow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		after := rapid.IntRange(0, 2000).Draw(rt, "after")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		p := flow.New(ctx)
		numbers := flow.From(p, func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		})
		var theirs streams.Flow = gsflow.NewMap(func(v int) int { return v }, 1)
		flow.To(p, flow.Via(p, numbers, gostreams.Stage[int, int](theirs)), func(_ context.Context, v int) error {
			if v == after {
				cancel(errBoom)
			}
			return nil
		})
		if err := p.Wait(); !errors.Is(err, errBoom) {
			rt.Errorf("Wait() = %v, want boom", err)
		}
	})
}

func TestAFailedPipelineLetsTheirFileSourceEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, bytes.Repeat([]byte("line\n"), 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	p := flow.New(t.Context())
	flow.To(p, gostreams.From[string](p, ext.NewFileSource(file)), func(context.Context, string) error { return errBoom })
	if err := p.Wait(); !errors.Is(err, errBoom) {
		t.Errorf("Wait() = %v, want boom", err)
	}
}

func TestAFlowThatEndsEarlyIsAnError(t *testing.T) {
	p := flow.New(t.Context())
	numbers := flow.From(p, func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	flow.Discard(p, flow.Via(p, numbers, gostreams.Stage[int, int](newQuitter())))
	if err := p.Wait(); !errors.Is(err, flow.ErrUnread) {
		t.Errorf("Wait() = %v, want ErrUnread", err)
	}
}

// quitter is a Flow that closes its outlet at the first item.
type quitter struct {
	streams.Flow
	in, out chan any
}

func newQuitter() *quitter {
	q := &quitter{in: make(chan any), out: make(chan any)}
	go func() {
		<-q.in
		close(q.out)
	}()
	return q
}

func (q *quitter) In() chan<- any { return q.in }

func (q *quitter) Out() <-chan any { return q.out }
