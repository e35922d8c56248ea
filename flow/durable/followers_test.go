package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// twice returns tickets, and each of them again under another id.
func twice(n int) []string { return append(durabletest.Tickets(n), durabletest.Others(0, n)...) }

// wantShared fails unless each of the tickets that came twice has one answer
// and half of them share it.
func wantShared(tb testing.TB, got map[string]durable.Result, n int) {
	tb.Helper()
	if len(got) != 2*n {
		tb.Fatalf("%d results, want %d", len(got), 2*n)
	}
	for i := range n {
		first, other := got[fmt.Sprintf("t-%d", i)], got[fmt.Sprintf("u-%d", i)]
		if first.Shared || first.Attempts != 1 || !other.Shared || other.Cached || other.Attempts != 0 {
			tb.Fatalf("results %+v and %+v", first, other)
		}
		if other.Text != first.Text || other.Batch != first.Batch || other.Model != first.Model || *other.Usage != *first.Usage {
			tb.Fatalf("result %+v of %+v", other, first)
		}
	}
}

func TestIdenticalItemsAreBoughtOnce(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	report, got := w.MustRunAs("one", w.Job(), twice(250)...)
	wantShared(t, got, 250)
	w.WantBilledOnce(250)
	if report.Succeeded != 500 || report.Shared != 250 || report.FromCache != 0 || report.Cached != 0 || report.Batches != 3 {
		t.Errorf("report %+v", report)
	}
	sum := 0
	for id, r := range got {
		if strings.HasPrefix(id, "t-") {
			sum += r.Usage.Output
		}
	}
	if report.Usage.Output != sum || report.Routes[0].Succeeded != 250 {
		t.Errorf("usage %+v, want %d tokens", report.Usage, sum)
	}
	for _, ordered := range []bool{false, true} {
		_, stored := durabletest.Collect(t, w.Archive("one").Results(archive.Query{Ordered: ordered, Codec: w.Client("sk").Info().Codec}))
		again := make(map[string]durable.Result)
		for _, r := range stored {
			again[r.ID] = r.Result
		}
		wantShared(t, again, 250)
	}
	if report, _ = w.MustRunAs("one", w.Job()); report.Shared != 250 || report.Cached != 500 {
		t.Errorf("once more: %+v", report)
	}
}

// Another job takes both from the cache, and the rest of its followers from its
// own items.
func TestFollowersTakeAnswersOfOtherJobsToo(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(100)...)
	report, got := w.MustRunAs("two", w.Job(), twice(200)...)
	if report.FromCache != 200 || report.Shared != 100 || len(got) != 400 {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(200)
}

// Without a cache, followers are answered, and no other job is.
func TestFollowersNeedNoCache(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	off := w.Job()
	off.Cache = -1
	_, got := w.MustRunAs("one", off, twice(50)...)
	wantShared(t, got, 50)
	w.WantBilledOnce(50)
	if report, _ := w.MustRunAs("two", w.Job(), durabletest.Tickets(50)...); report.FromCache != 0 {
		t.Errorf("report %+v", report)
	}
}

func TestSamplesAreAllSent(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := w.Job()
	job.Samples = true
	for n, name := range []string{"one", "two"} {
		report, _ := w.MustRunAs(name, job, twice(50)...)
		if report.Shared != 0 || report.FromCache != 0 || report.Succeeded != 100 {
			t.Errorf("report %+v", report)
		}
		if billed := w.Billed(); billed != 100*(n+1) {
			t.Errorf("%d rows were billed", billed)
		}
	}
}

// The followers of an earlier start are sent once every item is to be.
func TestFollowersAreSentWhenSamplesAreWanted(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", twice(50)...)
	job := w.Job()
	if _, err := w.With(t.Context(), job, durable.Ingest[durabletest.Ticket]); err != nil {
		t.Fatal(err)
	}
	job.Samples = true
	if report := w.MustRun(job); report.Shared != 0 || len(w.Results()) != 100 {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(100)
}

// Those whose first item was answered before are sent, too.
func TestFollowersOfAnsweredItemsAreSentWhenSamplesAreWanted(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", twice(50)...)
	job := w.Job()
	if _, err := w.StopAfter(49, job); !errors.Is(err, durabletest.ErrEnough) {
		t.Fatal(err)
	}
	job.Samples = true
	if report := w.MustRun(job); report.Shared != 0 || report.Succeeded != 100 {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(100)
}

// What is asked of another model is another request.
func TestItemsOfTwoModelsAreNotIdentical(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := w.Job()
	job.Prompt = nil
	job.Request = func(tk durabletest.Ticket) (sink.Request, error) {
		model := map[byte]string{'t': "gpt-test", 'u': "gpt-other", 'v': "gpt-test"}[tk.ID[0]]
		body := fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":%q}]}`, model, tk.Text)
		return sink.Request{Endpoint: "/v1/chat/completions", Model: model, Body: body}, nil
	}
	lines := twice(30)
	for _, line := range durabletest.Others(0, 30) {
		lines = append(lines, strings.Replace(line, `"u-`, `"v-`, 1))
	}
	report, got := w.MustRunAs("one", job, lines...)
	if report.Shared != 30 || len(report.Routes) != 2 || got["v-3"].Batch != got["t-3"].Batch || got["u-3"].Shared || !got["v-3"].Shared {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(60)
}

// Whatever its priority, an item follows the one that was read first.
func TestFollowersOfAnyPriority(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	job := w.Job()
	job.Priority = func(tk durabletest.Ticket) queue.Priority {
		if tk.ID[0] == 'u' {
			return queue.PriorityHigh
		}
		return -128
	}
	_, got := w.MustRunAs("one", job, twice(120)...)
	wantShared(t, got, 120)
	w.WantBilledOnce(120)
}

// What the provider says for good about a request counts for all that ask it.
func TestFollowersShareALastingFailure(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{Seed: 2, Rows: simulator.RowFaults{BadRequest: 0.4}})
	report, got := w.MustRunAs("one", unguarded(w.Job()), twice(100)...)
	if report.Failed < 20 || report.Failed%2 != 0 || report.Shared != 100 {
		t.Errorf("report %+v", report)
	}
	failures := 0
	for _, n := range report.Failures {
		failures += n
	}
	if failures != report.Failed || report.Routes[0].Failed != report.Failed/2 {
		t.Errorf("failures %v, routes %+v", report.Failures, report.Routes)
	}
	for i := range 100 {
		first, other := got[fmt.Sprintf("t-%d", i)], got[fmt.Sprintf("u-%d", i)]
		if first.Status != other.Status || !other.Shared || first.Error != nil && (first.Error.Code != other.Error.Code || first.Error.Class != other.Error.Class) {
			t.Fatalf("results %+v and %+v", first, other)
		}
	}
	if n := len(executed(t, w)); n != 100 {
		t.Errorf("%d rows were executed", n)
	}
	two, _ := w.MustRunAs("two", unguarded(w.Job()), durabletest.Tickets(100)...)
	if two.FromCache != 100-report.Failed/2 {
		t.Errorf("of the failures, another job has taken some: %+v", two)
	}
}

// executed returns the ids of all rows that the provider has run.
func executed(tb testing.TB, w *durabletest.World) (ids []string) {
	tb.Helper()
	for e, err := range w.Server.Executions() {
		if err != nil {
			tb.Fatal(err)
		}
		ids = append(ids, e.CustomID)
	}
	return ids
}

// If the attempts of the first are used up, another one is sent in its place;
// if that fails, too, the rest.
func TestAFollowerIsSentForAnItemWithoutAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ failures, ran, shared int }{{0, 1, 9}, {1, 2, 8}, {2, 10, 0}} {
		var ran atomic.Int32
		w := durabletest.New(t, simulator.Config{Answer: func(r simulator.Row) simulator.Reply {
			if int(ran.Add(1)) <= test.failures {
				return simulator.Reply{Error: &simulator.RowError{Status: 500, Code: "server_error"}}
			}
			return simulator.Echo(r)
		}})
		job := w.Job()
		job.MaxAttempts = 1
		lines := make([]string, 10)
		for i := range lines {
			lines[i] = fmt.Sprintf(`{"id":"s-%d","text":"the same"}`, i)
		}
		report, got := w.MustRunAs("one", job, lines...)
		if len(got) != 10 || report.Shared != test.shared || report.Failed != test.failures || int(ran.Load()) != test.ran {
			t.Errorf("%d failures: report %+v, %d rows ran", test.failures, report, ran.Load())
		}
	}
}

// A run that dies anywhere goes on, and buys nothing twice.
func TestFollowersSurviveDeath(t *testing.T) {
	t.Parallel()
	for _, torn := range []bool{false, true} {
		for chunks := range 4 {
			w := durabletest.New(t, simulator.Config{})
			w.Write("in.jsonl", twice(150)...)
			job := w.Job()
			if torn {
				w.DieTorn(chunks, job)
			} else {
				w.DieAfter(chunks, job)
			}
			if report := w.MustRun(job); report.Shared != 150 || report.Succeeded != 300 {
				t.Errorf("torn %t, after %d chunks: report %+v", torn, chunks, report)
			}
			wantShared(t, w.Results(), 150)
			w.WantBilledOnce(150)
		}
	}
}

// A rebuilt index knows which items follow.
func TestFollowersSurviveTheLossOfTheIndex(t *testing.T) {
	t.Parallel()
	for chunks := range 3 {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", twice(150)...)
		w.DieAfter(chunks, w.Job())
		w.LoseIndex()
		w.Rebuild()
		if report := w.MustRun(w.Job()); report.Shared != 150 {
			t.Errorf("after %d chunks: report %+v", chunks, report)
		}
		wantShared(t, w.Results(), 150)
		w.WantBilledOnce(150)
	}
}

// fed is a source of tickets that come while the job runs.
type fed struct {
	tickets chan durabletest.Ticket
	n       int
}

func (s *fed) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		for tk := range s.tickets {
			if s.n++; !yield(tk, nil) {
				return
			}
		}
	}
}

func (s *fed) Checkpoint() string      { return fmt.Sprint(s.n) }
func (s *fed) Resume(string) error     { return nil }
func (s *fed) Position() (string, int) { return "fed", s.n }

// In a stream, a follower does not wait for the end, neither if it comes before
// the first is settled nor after.
func TestFollowersInAStream(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		s := &fed{tickets: make(chan durabletest.Ticket)}
		got := make(chan durable.Result, 100)
		job := w.Job()
		job.Source = s
		output := durable.Each(func(_ context.Context, r durable.Result) error {
			got <- r
			return nil
		})
		done := make(chan durable.Report, 1)
		go func() {
			report, err := w.With(w.T.Context(), job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
				job.Output = output
				return durable.Run(ctx, job)
			})
			if err != nil {
				w.T.Error(err)
			}
			done <- report
		}()
		ask := func(id string) {
			time.Sleep(time.Second) // so that the item before it is kept
			s.tickets <- durabletest.Ticket{ID: id, Text: "the same"}
		}
		ask("first")
		ask("early")
		first, early := <-got, <-got
		ask("late")
		began := time.Now()
		late := <-got
		if first.ID != "first" || early.ID != "early" || late.ID != "late" || first.Shared || !early.Shared || !late.Shared {
			w.T.Errorf("results %+v, %+v and %+v", first, early, late)
		}
		if took := time.Since(began); took > 3*durable.DefaultMaxWait {
			w.T.Errorf("the late one took %s", took)
		}
		close(s.tickets)
		if report := <-done; report.Shared != 2 || report.Succeeded != 3 {
			w.T.Errorf("report %+v", report)
		}
		w.WantBilledOnce(1)
	})
}

// A cancelled run answers no follower.
func TestFollowersOfACancelledRun(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", twice(20)...)
	job := w.Job()
	w.DieAfter(0, job)
	if err := w.Attach().Cancel(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := w.Run(t.Context(), job)
	if cancelled, ok := errors.AsType[*durable.CancelledError](err); !ok || cancelled.Rows != 20 || report.Cancelled != 20 {
		t.Errorf("report %+v, error %v", report, err)
	}
	w.WantBilledOnce(20)
}

// The followers of a batch that waits for a person wait with it; all others get
// their results.
func TestFollowersWaitForAPersonToo(t *testing.T) {
	t.Parallel()
	b := &broken{body: gone}
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, b.wrap, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", twice(30)...)
		job := w.Job()
		job.Batch.MaxItems = 10
		report, err := w.Run(t.Context(), job)
		if !errors.As(err, new(*durable.UndecidedError)) || report.Succeeded != 40 || report.Shared != 20 {
			t.Fatalf("report %+v, error %v", report, err)
		}
		b.on.Store(false)
		if report := w.MustRun(job); report.Succeeded != 60 || report.Shared != 30 {
			t.Errorf("report %+v", report)
		}
		wantShared(t, w.Results(), 30)
		w.WantBilledOnce(30)
	})
}
