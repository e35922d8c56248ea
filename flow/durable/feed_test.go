package durable_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

var (
	_ durable.Feed[int] = (*source.Inbox[int])(nil)
	_ durable.Feed[int] = (*source.Fan[string, int])(nil)
)

func ticket(n int) durabletest.Ticket {
	return durabletest.Ticket{ID: fmt.Sprintf("t-%d", n), Text: fmt.Sprintf("ticket number %d", n)}
}

// acknowledged records what a source was told.
type acknowledged struct {
	mu  sync.Mutex
	ids map[string]int
}

func (a *acknowledged) ack(items []durabletest.Ticket) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil {
		a.ids = make(map[string]int)
	}
	for _, t := range items {
		a.ids[t.ID]++
	}
	return nil
}

func (a *acknowledged) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.ids)
}

// inFakeTime runs a test of a job whose batches take a minute.
func inFakeTime(t *testing.T, test func(*durabletest.World)) {
	t.Helper()
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, test)
}

// fedJob is a job whose batches leave with 20 items or after half a minute.
func fedJob(w *durabletest.World, from durable.Source[durabletest.Ticket]) durable.Job[durabletest.Ticket] {
	job := w.BriskJob()
	job.Source, job.Batch = from, durable.BatchLimits{MaxItems: 20, MaxWait: 30 * time.Second}
	return job
}

// A run that is fed by a channel has results as they come, and ends when it is
// drained: with all that it has taken, and nothing else.
func TestAFedRunEndsWhenItIsDrained(t *testing.T) {
	inFakeTime(t, func(w *durabletest.World) {
		items, acks := make(chan durabletest.Ticket), new(acknowledged)
		out, err := durable.Lines(w.Path("out.jsonl"))
		if err != nil {
			w.T.Fatal(err)
		}
		job := fedJob(w, source.Chan("orders", items, acks.ack))
		job.Dir, job.Output = w.StateDir(), out
		run, err := durable.Start(w.T.Context(), job)
		if err != nil {
			w.T.Fatal(err)
		}
		for n := range 47 { // two batches, and a rest that leaves by its age
			items <- ticket(n)
		}
		time.Sleep(5 * time.Minute)
		s, err := run.Status()
		if err != nil || s.State != durable.StateRunning || s.Succeeded != 47 || s.Batches != 3 || acks.count() != 47 {
			w.T.Errorf("%+v, %v, %d acknowledged", s, err, acks.count())
		}
		items <- ticket(47)
		if err := w.Attach().Drain(w.T.Context()); err != nil { // as from another process
			w.T.Fatal(err)
		}
		time.Sleep(time.Minute)
		select {
		case items <- ticket(48):
			w.T.Error("an item was taken after Drain")
		default:
		}
		report, err := run.Wait(w.T.Context())
		if err != nil || !report.Finished || report.Succeeded != 48 || report.State != durable.StateCompleted {
			w.T.Errorf("%+v, %v", report, err)
		}
		if err := out.Close(); err != nil {
			w.T.Error(err)
		}
		if got := w.Results(); len(got) != 48 || acks.count() != 48 {
			w.T.Errorf("%d results, %d acknowledged", len(got), acks.count())
		}
		w.WantBilledOnce(48)
	})
}

// A drained run takes nothing when it is run again; a fresh one does.
func TestADrainIsForGood(t *testing.T) {
	inFakeTime(t, func(w *durabletest.World) {
		items := make(chan durabletest.Ticket)
		job := fedJob(w, source.Chan("orders", items, nil))
		job.Dir = w.StateDir()
		ctx, kill := context.WithCancelCause(w.T.Context())
		run, err := durable.Start(ctx, job)
		if err != nil {
			w.T.Fatal(err)
		}
		items <- ticket(0)
		time.Sleep(time.Second)
		kill(durabletest.ErrEnough)
		if _, err := run.Wait(w.T.Context()); !errors.Is(err, durabletest.ErrEnough) {
			w.T.Fatal(err)
		}
		if err := run.Drain(w.T.Context()); err != nil { // nobody runs it
			w.T.Fatal(err)
		}
		job.Source = source.Chan("orders", items, nil) // which does not end
		report, err := durable.Run(w.T.Context(), job)
		if err != nil || report.Succeeded != 1 || !report.Finished {
			w.T.Errorf("%+v, %v", report, err)
		}
		go func() {
			items <- ticket(1)
			close(items)
		}()
		job.Fresh, job.Cache = true, -1
		job.Source = source.Chan("orders", items, nil)
		if report, err = durable.Run(w.T.Context(), job); err != nil || report.Rows != 1 || report.Succeeded != 1 {
			w.T.Errorf("afresh: %+v, %v", report, err)
		}
	})
}

// A file can be drained, too: what was not read is left out.
func TestAFileIsDrained(t *testing.T) {
	wantDrained(t, func(file *source.File[durabletest.Ticket]) durable.Source[durabletest.Ticket] { return file })
}

// So is one whose items have parts.
func TestTheFanOutOfAFileIsDrained(t *testing.T) {
	wantDrained(t, func(file *source.File[durabletest.Ticket]) durable.Source[durabletest.Ticket] {
		return source.FanOut(file, func(tk durabletest.Ticket) ([]durabletest.Ticket, error) { return []durabletest.Ticket{tk}, nil })
	})
}

func wantDrained(t *testing.T, of func(*source.File[durabletest.Ticket]) durable.Source[durabletest.Ticket]) {
	t.Helper()
	inFakeTime(t, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(5000)...)
		job := fedJob(w, of(source.JSONL[durabletest.Ticket](w.Path("in.jsonl"))))
		job.Dir, job.Batch.MaxItems = w.StateDir(), 1000
		drained := make(chan error, 1)
		var run *durable.Handle
		started, once := make(chan struct{}), sync.Once{}
		key := job.Key
		job.Key = func(t durabletest.Ticket) string {
			if t.ID == "t-700" {
				once.Do(func() {
					<-started
					go func() { drained <- run.Drain(context.Background()) }()
					time.Sleep(3 * time.Second)
				})
			}
			return key(t)
		}
		var err error
		if run, err = durable.Start(w.T.Context(), job); err != nil {
			w.T.Fatal(err)
		}
		close(started)
		report, err := run.Wait(w.T.Context())
		if err := errors.Join(err, <-drained); err != nil || report.Rows != 701 || report.Succeeded != 701 {
			w.T.Errorf("%d rows, %d results, %v", report.Rows, report.Succeeded, err)
		}
	})
}

// A run is fed by a durable queue and killed again and again. Each item that
// was acknowledged has one result. Others come again, and those that the run
// had kept are known by their keys.
func TestAnEndlessRunLosesNothingOfAQueue(t *testing.T) {
	inFakeTime(t, func(w *durabletest.World) {
		const all, kills = 200, 8
		dir := w.StateDir()
		store, err := dir.Store()
		if err != nil {
			w.T.Fatal(err)
		}
		defer store.Close()
		open := func() *queue.Durable[durabletest.Ticket] {
			q, err := queue.Open(w.T.Context(), state.NewQueue(store), "orders", queue.Strict(func(durabletest.Ticket) queue.Priority { return queue.PriorityNormal }), queue.Config{Capacity: all})
			if err != nil {
				w.T.Fatal(err)
			}
			return q
		}
		duplicates, lost := 0, errors.New("the acknowledgement was lost")
		for n := range kills + 1 {
			q := open()
			for i := n * all / (kills + 1); i < (n+1)*all/(kills+1); i++ {
				if err := q.Push(w.T.Context(), ticket(i)); err != nil {
					w.T.Fatal(err)
				}
			}
			acks := 0
			from := source.Pull("orders", q.Pop, func(items []queue.Delivery[durabletest.Ticket]) error {
				if acks++; acks > 1 && n < kills {
					return lost // the items are kept, and the queue does not know
				}
				return q.Ack(context.Background(), items...)
			})
			like := fedJob(w, nil)
			job := durable.Job[queue.Delivery[durabletest.Ticket]]{
				Name: "endless", Source: from, Dir: dir, Provider: like.Provider, Model: like.Model, Batch: like.Batch, Poll: like.Poll, Grace: like.Grace, Log: like.Log,
				Key: func(d queue.Delivery[durabletest.Ticket]) string { return d.Item.ID },
			}
			prompt := like.Prompt
			job.Prompt = func(d queue.Delivery[durabletest.Ticket]) (llm.Chat, error) { return prompt(d.Item) }
			ctx, kill := context.WithTimeoutCause(w.T.Context(), time.Duration(n+1)*11*time.Second, durabletest.ErrEnough)
			if n == kills {
				ctx = w.T.Context()
			}
			run, err := durable.Start(ctx, job)
			if err != nil {
				w.T.Fatal(err)
			}
			if n == kills {
				time.Sleep(time.Minute)
				if err := run.Drain(ctx); err != nil {
					w.T.Fatal(err)
				}
			}
			report, err := run.Wait(context.Background())
			if n < kills && !errors.Is(err, lost) && !errors.Is(err, durabletest.ErrEnough) || n == kills && err != nil {
				w.T.Fatal(err)
			}
			kill()
			q.Close()
			duplicates = report.Duplicates
		}
		q := open()
		defer q.Close()
		if duplicates == 0 || q.Len() != 0 {
			w.T.Errorf("%d items came again, and %d wait in the queue", duplicates, q.Len())
		}
		ids := make(map[string]bool)
		for r, err := range w.Archive("endless").Results(archive.Query{Codec: w.Provider.Info().Codec}) {
			if err != nil || ids[r.ID] || r.Status != durable.ItemSucceeded {
				w.T.Fatalf("%+v, %v", r, err)
			}
			ids[r.ID] = true
		}
		if len(ids) != all {
			w.T.Errorf("%d results", len(ids))
		}
		w.WantBilledOnce(all)
	})
}
