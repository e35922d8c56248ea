package dedup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/flow/dedup"
	"github.com/balerhq/baler/flow/internal/flowtest"
)

// request is asked for by somebody, and costs money.
type request struct{ From, Question string }

type answeredRequest = dedup.Answered[request, flowtest.Reply]

func question(r request) string { return r.Question }

// slowly answers after a minute, up to eight at a time, and counts.
func slowly(asked *atomic.Int64) flow.Stage[request, flowtest.Reply] {
	return flow.Parallel(flow.Map(func(_ context.Context, r request) (flowtest.Reply, error) {
		asked.Add(1)
		time.Sleep(time.Minute)
		return flowtest.Reply{Item: r.Question, By: r.From}, nil
	}), flow.Concurrency{Workers: 8})
}

func TestCoalesceAsksOnceAndAnswersEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		got, err := flowtest.Through(t, dedup.Coalesce(question, flowtest.ReplyKey, slowly(&asked), 0),
			request{"ann", "why"}, request{"bob", "how"}, request{"cid", "why"}, request{"dan", "why"})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b answeredRequest) int { return int(a.Item.From[0]) - int(b.Item.From[0]) })
		why, how := flowtest.Reply{Item: "why", By: "ann"}, flowtest.Reply{Item: "how", By: "bob"}
		want := []answeredRequest{
			{request{"ann", "why"}, why}, {request{"bob", "how"}, how}, {request{"cid", "why"}, why}, {request{"dan", "why"}, why},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if asked.Load() != 2 {
			t.Errorf("asked %d times, want 2", asked.Load())
		}
	})
}

func TestCoalesceAsksAgainOnceTheAnswerIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		p := flow.New(t.Context())
		requests := make(chan request)
		flow.Discard(p, flow.Via(p, flow.FromChan(p, requests), dedup.Coalesce(question, flowtest.ReplyKey, slowly(&asked), 0)))
		for range 2 {
			requests <- request{"ann", "why"}
			time.Sleep(time.Hour)
		}
		close(requests)
		if err := p.Wait(); err != nil || asked.Load() != 2 {
			t.Errorf("asked %d times, %v, want 2", asked.Load(), err)
		}
	})
}

func TestCoalesceKeepsToItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		start := time.Now()
		items := make([]request, 9)
		for i := range items {
			items[i].Question = fmt.Sprint(i)
		}
		got, err := flowtest.Through(t, dedup.Coalesce(question, flowtest.ReplyKey, slowly(&asked), 3), items...)
		if err != nil || len(got) != 9 {
			t.Fatalf("%d answers, %v", len(got), err)
		}
		if took := time.Since(start); took < 3*time.Minute {
			t.Errorf("9 calls of 1m in %v: more than 3 at a time", took)
		}
	})
}

func TestSamplesOfOneItemAreAskedForOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		type sample = dedup.Sample[request]
		key := func(s sample) string { return s.Key(s.Item.Question) }
		ask := flow.Parallel(flow.Map(func(_ context.Context, s sample) (flowtest.Reply, error) {
			asked.Add(1)
			time.Sleep(time.Minute)
			return flowtest.Reply{Item: key(s)}, nil
		}), flow.Concurrency{Workers: 8})
		stage := flow.Compose(func(p *flow.Pipeline, in <-chan []request) <-chan []dedup.Answered[sample, flowtest.Reply] {
			return flow.Via(p, flow.Via(p, in, dedup.Samples[request](3)), dedup.Coalesce(key, flowtest.ReplyKey, ask, 0))
		})
		got, err := flowtest.Through(t, stage, request{"ann", "why"}, request{"bob", "why"})
		if err != nil || len(got) != 6 || asked.Load() != 3 {
			t.Errorf("%d answers to %d calls, %v, want 6 to 3", len(got), asked.Load(), err)
		}
	})
}

func TestCoalesceReportsAStageThatForgetsOrInventsAnswers(t *testing.T) {
	for name, ask := range map[string]flow.Func[request, flowtest.Reply]{
		"forgets": flow.FlatMap(func(context.Context, request) ([]flowtest.Reply, error) { return nil, nil }),
		"invents": flow.Map(func(context.Context, request) (flowtest.Reply, error) { return flowtest.Reply{Item: "other"}, nil }),
	} {
		_, err := flowtest.Through(t, dedup.Coalesce(question, flowtest.ReplyKey, ask, 0), request{"ann", "why"})
		if !errors.Is(err, flow.ErrUnanswered) {
			t.Errorf("%s: got %v, want ErrLane", name, err)
		}
	}
}

func TestCoalesceAndSamplesRefuseWhatMakesNoSense(t *testing.T) {
	var asked atomic.Int64
	if _, err := flowtest.Through(t, dedup.Coalesce(question, flowtest.ReplyKey, slowly(&asked), -1), request{}); err == nil {
		t.Error("a negative limit was accepted")
	}
	if _, err := flowtest.Through(t, dedup.Samples[int](0), 1); err == nil {
		t.Error("no samples were accepted")
	}
}
