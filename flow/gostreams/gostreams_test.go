package gostreams_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/reugn/go-streams"
	ext "github.com/reugn/go-streams/extension"
	gsflow "github.com/reugn/go-streams/flow"
	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/gostreams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

func inc(_ context.Context, v int) (int, error) { return v + 1, nil }

// feed writes items to a channel and closes it, as a go-streams source does.
func feed(items ...any) chan any {
	ch := make(chan any)
	go func() {
		defer close(ch)
		for _, item := range items {
			ch <- item
		}
	}()
	return ch
}

func ints(from <-chan any) (got []int) {
	for v := range from {
		got = append(got, v.(int))
	}
	return got
}

func TestAStageIsADropInFlow(t *testing.T) {
	ours := gostreams.NewFlow(t.Context(), flow.Map(inc))
	theirs := gsflow.NewMap(func(v int) int { return v * 10 }, 1)
	out := ext.NewChanSource(feed(1, 2, []int{3, 4})).Via(ours).Via(theirs).Out()
	if diff := cmp.Diff([]int{20, 30, 40, 50}, ints(out)); diff != "" {
		t.Error(diff)
	}
	if err := ours.Err(); err != nil {
		t.Error(err)
	}
}

func TestAFlowReportsAWrongTypeAndLetsItsWriterFinish(t *testing.T) {
	ours := gostreams.NewFlow(t.Context(), flow.Map(inc))
	out := ext.NewChanSource(feed(1, "two", 3)).Via(ours).Out()
	if got := ints(out); len(got) > 1 {
		t.Errorf("got %v from after the wrong item", got)
	}
	var wrong *gostreams.TypeError
	if err := ours.Err(); !errors.As(err, &wrong) || wrong.Item != "two" {
		t.Errorf("Err() = %v, want a TypeError for two", err)
	}
}

func TestAFlowEndsWhenItsContextDoes(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	ours := gostreams.NewFlow(ctx, flow.Map(inc))
	ours.In() <- 1
	if got := <-ours.Out(); got != 2 {
		t.Errorf("got %v, want 2", got)
	}
	cancel(errBoom)
	if _, open := <-ours.Out(); open || !errors.Is(ours.Err(), errBoom) {
		t.Errorf("after cancel: open %v, Err() = %v", open, ours.Err())
	}
	for range 1000 {
		ours.In() <- 1 // nobody is stuck
	}
	close(ours.In())
}

func TestASinkHasDeliveredWhenToReturns(t *testing.T) {
	var sum int
	sink := gostreams.NewSink(t.Context(), func(p *flow.Pipeline, items <-chan []int) {
		flow.To(p, flow.Via(p, items, flow.Map(inc)), func(_ context.Context, v int) error {
			sum += v
			return nil
		})
	})
	ext.NewChanSource(feed(1, 2, 3)).Via(gsflow.NewPassThrough()).To(sink)
	if err := sink.Err(); err != nil || sum != 9 {
		t.Errorf("sum %d, Err() = %v, want 9 and nil", sum, err)
	}
}

func TestAFailedSinkLetsTheStreamEnd(t *testing.T) {
	sink := gostreams.NewSink(t.Context(), func(p *flow.Pipeline, items <-chan []int) {
		flow.To(p, items, func(context.Context, int) error { return errBoom })
	})
	ext.NewChanSource(feed(1, 2, 3)).Via(gsflow.NewPassThrough()).To(sink)
	if err := sink.Err(); !errors.Is(err, errBoom) {
		t.Errorf("Err() = %v, want boom", err)
	}
}

func TestFileToFileThroughTheirConnectorsAndOurStages(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := flow.New(t.Context())
	lines := gostreams.From[string](p, ext.NewFileSource(in))
	upper := flow.Via(p, lines, flow.Map(func(_ context.Context, s string) (string, error) {
		return strings.ToUpper(s) + "\n", nil
	}))
	same := flow.Via(p, upper, gostreams.Stage[string, string](gsflow.NewPassThrough()))
	gostreams.To(p, same, ext.NewFileSink(out))
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil || !bytes.Equal(got, []byte("A\nB\nC\n")) {
		t.Errorf("wrote %q, %v", got, err)
	}
}

func TestAStageOfTheirsIsNamedAfterItsOperator(t *testing.T) {
	p := flow.New(t.Context())
	items := gostreams.From[int](p, ext.NewChanSource(feed(1)))
	for _, theirs := range []streams.Flow{gsflow.NewMap(func(v int) int { return v }, 1), gsflow.NewPassThrough()} {
		items = flow.Via(p, items, gostreams.Stage[int, int](theirs))
	}
	flow.Discard(p, items)
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range p.Graph().Nodes {
		names = append(names, n.Name)
	}
	if d := cmp.Diff([]string{"source", "gostreams Map", "gostreams PassThrough", "discard"}, names); d != "" {
		t.Error(d)
	}
}

func TestAWrongTypeFromAGoStreamsFlowFailsThePipeline(t *testing.T) {
	p := flow.New(t.Context())
	numbers := flow.From(p, func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	wrong := flow.Via(p, numbers, gostreams.Stage[int, string](gsflow.NewPassThrough()), flow.Name("pass"))
	flow.Discard(p, wrong)
	err := p.Wait()
	var typed *gostreams.TypeError
	if !errors.As(err, &typed) || typed.Item != 0 {
		t.Errorf("Wait() = %v, want a TypeError for 0", err)
	}
}
