package durable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// kindOf is the tenant or priority of a ticket: what its id begins with.
func kindOf(tk durabletest.Ticket) string {
	kind, _, _ := strings.Cut(tk.ID, "-")
	return kind
}

// ticketsOf returns lines of tickets of kinds, as many of each as counts says,
// so that those of a kind stand together.
func ticketsOf(n int, kinds ...string) (lines []string) {
	for _, kind := range kinds {
		for i := range n {
			lines = append(lines, fmt.Sprintf(`{"id":"%s-%d","text":"%s %d"}`, kind, i, kind, i))
		}
	}
	return lines
}

// stream yields 900 tickets at once, one of which is low, and after them
// critical ones without end, sixty a minute.
type stream struct {
	ctx context.Context
	n   int
}

func (s *stream) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		for {
			s.n++
			kind := "critical"
			if s.n == 890 { // critical ones fill what is loaded before
				kind = "low"
			}
			if !yield(durabletest.Ticket{ID: kind + "-" + strconv.Itoa(s.n), Text: strconv.Itoa(s.n)}, nil) {
				return
			}
			if s.n < 900 || s.n%10 > 0 {
				continue
			}
			if err := purchase.Sleep(s.ctx, 10*time.Second); err != nil {
				yield(durabletest.Ticket{}, err)
				return
			}
		}
	}
}

func (s *stream) Position() (string, int) { return "stream", s.n }
func (s *stream) Checkpoint() string      { return "" }
func (s *stream) Resume(string) error     { return nil }

// The low item leaves before critical ones that were read long after it,
// although these never stop waiting.
func TestALowPriorityItemFinishesUnderAStreamOfCriticalOnes(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Minute}}, openai.Config{}, nil, func(w *durabletest.World) {
		run := func(name string, o durable.Queue) (finished bool) {
			ctx, cancel := context.WithTimeoutCause(w.T.Context(), 25*time.Minute, durabletest.ErrEnough)
			defer cancel()
			job := w.BriskJob()
			job.Name, job.Queue, job.Source, job.Dir, job.Samples = name, o, &stream{ctx: ctx}, w.StateDir(), true
			job.Batch.MaxItems, job.MaxInFlight = 80, 1
			job.Priority = func(tk durabletest.Ticket) queue.Priority {
				if kindOf(tk) == "low" {
					return queue.PriorityLow
				}
				return queue.PriorityCritical
			}
			critical := 0
			job.Output = durable.Each(func(_ context.Context, r durable.Result) error {
				if kindOf(durabletest.Ticket{ID: r.ID}) == "low" {
					finished = true
					cancel()
				} else {
					critical++
				}
				return nil
			})
			if _, err := durable.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) && !errors.Is(err, context.Canceled) {
				w.T.Fatal(err)
			}
			if critical < 300 {
				w.T.Errorf("%s: only %d critical items were done", name, critical)
			}
			return finished
		}
		if run("strict", durable.Queue{}) {
			w.T.Error("the critical items did not keep the job busy")
		}
		if !run("aged", durable.Queue{Order: durable.QueueAged, Aging: 2 * time.Minute}) {
			w.T.Error("the low item did not finish")
		}
	})
}

// growing is a source of tickets that breaks unless it is whole.
type growing struct {
	tickets []durabletest.Ticket
	n       int
	whole   bool
}

func (s *growing) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		for s.n < len(s.tickets) {
			time.Sleep(time.Second) // until the last one is kept
			if s.n++; !yield(s.tickets[s.n-1], nil) {
				return
			}
		}
		if !s.whole {
			yield(durabletest.Ticket{}, durabletest.ErrEnough)
		}
	}
}

func (s *growing) Position() (string, int) { return "growing", s.n }
func (s *growing) Checkpoint() string      { return strconv.Itoa(s.n) }

func (s *growing) Resume(checkpoint string) error {
	s.n, _ = strconv.Atoi(checkpoint)
	return nil
}

// The age of an item does not begin anew with a process, or with the index.
func TestTheAgeOfAnItemIsKept(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		job, source := w.BriskJob(), new(growing)
		job.Source, job.ReadAll, job.Batch.MaxItems, job.MaxInFlight = source, true, 10, 1
		job.Queue = durable.Queue{Order: durable.QueueAged, Aging: 10 * time.Minute}
		job.Priority = func(tk durabletest.Ticket) queue.Priority { return queue.Priority(len(kindOf(tk)) - len("low")) }
		for _, kind := range []string{"low", "high", "low"} {
			for range 10 {
				source.tickets = append(source.tickets, durabletest.Ticket{ID: fmt.Sprint(kind, "-", len(source.tickets)), Text: strconv.Itoa(len(source.tickets))})
			}
			source.whole = len(source.tickets) == 30
			if _, err := w.Run(w.T.Context(), job); err != nil && !errors.Is(err, durabletest.ErrEnough) {
				w.T.Fatal(err)
			}
			if !source.whole {
				w.LoseIndex()
				w.Rebuild()
				time.Sleep(time.Hour)
			}
		}
		var kinds []string
		for _, r := range delivered(w) {
			if kind := kindOf(durabletest.Ticket{ID: r.ID}); len(kinds) == 0 || kinds[len(kinds)-1] != kind {
				kinds = append(kinds, kind)
			}
		}
		if want := []string{"low", "high", "low"}; !slices.Equal(kinds, want) {
			w.T.Errorf("%v came, want %v", kinds, want)
		}
	})
}

// interrupted runs the job until so many results are delivered, with a kill in
// the middle after which the index is lost.
func interrupted(w *durabletest.World, job durable.Job[durabletest.Ticket], results int) {
	w.T.Helper()
	w.DieAfter(3, job)
	w.LoseIndex()
	w.Rebuild()
	w.DieTorn(3, job)
	if report, err := w.StopAfter(results, job); err != nil && !errors.Is(err, durabletest.ErrEnough) {
		w.T.Fatalf("%+v, %v", report, err)
	}
}

// delivered returns the results in the output, in the order in which their
// batches were bought: a process that dies may leave two batches open, which
// end in any order.
func delivered(w *durabletest.World) (all []durable.Result) {
	w.T.Helper()
	byID := w.Results()
	for _, line := range w.Lines() {
		var r durable.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.T.Fatal(err)
		}
		all = append(all, byID[r.ID])
	}
	sent := make(map[string]time.Time)
	for _, in := range w.Archive("tickets").Intents {
		sent[in.Batch] = in.SentAt
	}
	slices.SortStableFunc(all, func(a, b durable.Result) int { return sent[a.Batch].Compare(sent[b.Batch]) })
	return all
}

// While all tenants have items, each gets its share of what is bought, however
// many items it has and in whatever order they came.
func TestTenantsGetTheirShares(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.Write("in.jsonl", append(ticketsOf(1500, "c", "a"), ticketsOf(3000, "b")...)...)
	job := w.Job()
	job.Tenant, job.ReadAll = kindOf, true
	job.Batch.MaxItems, job.MaxInFlight = 150, 1
	weights := map[string]int{"a": 3, "b": 2, "c": 1}
	job.Queue = durable.Queue{Order: durable.QueueFair, Weights: weights}
	const all = 2700 // then a has 150 left
	interrupted(w, job, all)
	counts := make(map[string]int)
	for _, r := range delivered(w)[:all] {
		if counts[r.Tenant]++; r.Tenant != kindOf(durabletest.Ticket{ID: r.ID}) {
			t.Fatalf("result %+v", r)
		}
	}
	for tenant, weight := range weights {
		if want := all * float64(weight) / 6; math.Abs(float64(counts[tenant])-want) > want/20 {
			t.Errorf("tenant %s has %d results of %d, want %v", tenant, counts[tenant], all, want)
		}
	}
	report := w.MustRun(job)
	if report.Succeeded != 6000 {
		t.Errorf("report %+v", report)
	}
	w.WantBilledOnce(6000)
	_, stored := durabletest.Collect(t, w.Archive("tickets").Results(archive.Query{Tenant: "c"}))
	if len(stored) != 1500 || slices.ContainsFunc(stored, func(r archive.Result) bool { return r.Tenant != "c" }) {
		t.Errorf("%d results of a tenant with 1500 items", len(stored))
	}
}

// Each batch has the items that are due first of all that wait, so that no item
// is bought before one of an earlier batch is due. Those without a deadline come
// last, by their priority.
func TestTheEarliestDeadlinesAreBoughtFirst(t *testing.T) {
	t.Parallel()
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		earliestFirst(t, 100, nil)
	})
	t.Run("with priorities", func(t *testing.T) {
		t.Parallel()
		earliestFirst(t, 4, func(tk durabletest.Ticket) queue.Priority { return queue.Priority(len(tk.ID)+int(tk.ID[2]))%4 - 1 })
	})
}

// earliestFirst runs a job of 3000 items, of which one of so many has no
// deadline, in batches of 200.
func earliestFirst(t *testing.T, timeless int, priority func(durabletest.Ticket) queue.Priority) {
	t.Helper()
	w := durabletest.New(t, simulator.Config{})
	const n = 3000
	w.Write("in.jsonl", durabletest.Tickets(n)...)
	job := w.Job()
	epoch := time.Now()
	deadline := func(id string) time.Time {
		i, _ := strconv.Atoi(strings.TrimPrefix(id, "t-"))
		if i%timeless == 0 {
			return time.Time{}
		}
		return epoch.Add(time.Duration(i*7919%n) * time.Minute)
	}
	job.Deadline, job.Priority = func(tk durabletest.Ticket) time.Time { return deadline(tk.ID) }, priority
	job.ReadAll, job.MaxInFlight, job.Batch.MaxItems = true, 1, 200
	if priority == nil {
		interrupted(w, job, n)
	} else { // at a start, what waits is read by priority
		w.MustRun(job)
	}
	all := delivered(w)
	if len(all) != n {
		t.Fatalf("%d results", len(all))
	}
	latest, now, batch := time.Time{}, time.Time{}, "" // of the batches before, and of this one
	for _, r := range all {
		if r.Batch != batch {
			latest, batch = now, r.Batch
		}
		due := deadline(r.ID)
		if due.IsZero() {
			due = epoch.Add(2 * n * time.Minute) // after all others
			if priority != nil {
				due = due.Add(-time.Duration(priority(durabletest.Ticket{ID: r.ID})) * time.Minute)
			}
		}
		if due.Before(latest) {
			t.Fatalf("%s, due %v, comes after an item that is due %v", r.ID, due, latest)
		}
		if due.After(now) {
			now = due
		}
	}
	w.WantBilledOnce(n)
}

// A tenant at its limit has no more on its way, also after a restart, and holds
// up nobody. With batches of one tenant each, no batch mixes any.
func TestATenantAtItsLimitWaitsAlone(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", ticketsOf(60, "a", "b")...)
		job := w.BriskJob()
		job.Tenant = func(tk durabletest.Ticket) string {
			if kindOf(tk) == "b" {
				return tk.ID[:3] // many
			}
			return kindOf(tk)
		}
		job.Queue = durable.Queue{TenantLimit: 20, SeparateTenants: true}
		begun := time.Now()
		w.Leave(job, 70) // a first wave, and a second one of a
		if got := time.Since(begun); got > 3*time.Hour {
			t.Errorf("the first waves took %v", got)
		}
		tenants, inBatch := make(map[string]string), make(map[string]int)
		report := w.MustRun(job)
		if report.Succeeded != 120 {
			t.Errorf("report %+v", report)
		}
		for _, r := range w.Results() {
			if was, ok := tenants[r.Batch]; ok && was != r.Tenant {
				t.Errorf("batch %s is of %s and of %s", r.Batch, was, r.Tenant)
			}
			tenants[r.Batch] = r.Tenant
			inBatch[r.Batch]++
		}
		for batch, rows := range inBatch {
			if rows > 20 {
				t.Errorf("batch %s of %s has %d rows", batch, tenants[batch], rows)
			}
		}
		if got := time.Since(begun); got < 3*time.Hour || got > 4*time.Hour {
			t.Errorf("three waves took %v", got)
		}
		w.WantBilledOnce(120)
	})
}

// A tenant with as many open batches as it may have waits alone: all others are
// served meanwhile, and it goes on batch by batch, in another process too.
func TestATenantWithItsBatchesOpenWaitsAlone(t *testing.T) {
	t.Parallel()
	for _, separate := range []bool{true, false} {
		durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
			t := w.T
			w.Write("in.jsonl", ticketsOf(60, "a", "b")...)
			job := w.BriskJob()
			job.Tenant = func(tk durabletest.Ticket) string {
				if kindOf(tk) == "b" {
					return tk.ID[:3] // many, of at most eleven
				}
				return kindOf(tk)
			}
			job.Batch.MaxItems = 11
			job.Queue = durable.Queue{TenantBatches: 1, SeparateTenants: separate}
			begun := time.Now()
			if separate {
				w.Leave(job, 71) // all of the others, and a first batch of a
				first := slices.DeleteFunc(w.Server.Batches(), func(b simulator.Batch) bool { return b.Created.Sub(begun) > time.Minute })
				if len(first) != 11 {
					t.Errorf("the first wave is %+v", first)
				}
			}
			if report := w.MustRun(job); report.Succeeded != 120 {
				t.Errorf("report %+v", report)
			}
			of := make(map[string]map[string]bool) // tenants by batch
			for _, r := range w.Results() {
				if of[r.Batch] == nil {
					of[r.Batch] = make(map[string]bool)
				}
				of[r.Batch][r.Tenant] = true
			}
			last := make(map[string]time.Time)
			for _, b := range w.Server.Batches() {
				for tenant := range of[b.ID] {
					if at, ok := last[tenant]; ok && b.Created.Sub(at) < time.Hour {
						t.Errorf("%s has two batches open at %s, separate: %t", tenant, b.Created, separate)
					}
					last[tenant] = b.Created
				}
			}
			w.WantBilledOnce(120)
		})
	}
}

func TestAQueueThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	for want, set := range map[string]func(*durable.Job[durabletest.Ticket]){
		"Queue.Order is": func(j *durable.Job[durabletest.Ticket]) { j.Queue.Order = "random" },
		"Job.Priority and Job.Deadline": func(j *durable.Job[durabletest.Ticket]) {
			j.Queue.Order = durable.QueueAged
			j.Priority = func(durabletest.Ticket) queue.Priority { return 0 }
			j.Deadline = func(durabletest.Ticket) time.Time { return time.Time{} }
		},
		"Job.Tenant is missing": func(j *durable.Job[durabletest.Ticket]) { j.Queue.Order = durable.QueueFair },
		"Queue.Weights are": func(j *durable.Job[durabletest.Ticket]) {
			j.Tenant, j.Queue.Weights = kindOf, map[string]int{"a": 2}
		},
		`Weights["a"] is 0`: func(j *durable.Job[durabletest.Ticket]) {
			j.Tenant, j.Queue = kindOf, durable.Queue{Order: durable.QueueFair, Weights: map[string]int{"a": 0}}
		},
		"Queue.Aging":         func(j *durable.Job[durabletest.Ticket]) { j.Queue.Aging = time.Minute },
		"Queue.TenantBatches": func(j *durable.Job[durabletest.Ticket]) { j.Queue.TenantBatches = -1 },
		"Queue.TenantLimit":   func(j *durable.Job[durabletest.Ticket]) { j.Queue.TenantLimit = -1 },
	} {
		job := w.Job()
		set(&job)
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
}

// While a job runs, its handle tells how many items leave before one.
func TestThePositionOfAnItem(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{Latency: simulator.Latency{Processing: time.Hour}}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(4000)...)
		job := w.BriskJob()
		job.ReadAll, job.MaxInFlight = true, 1
		job.Deadline = func(tk durabletest.Ticket) time.Time {
			n, _ := strconv.Atoi(tk.ID[2:])
			return time.Unix(int64(10_000-n), 0) // the last one first
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := w.With(ctx, job, func(ctx context.Context, job durable.Job[durabletest.Ticket]) (durable.Report, error) {
			h, err := durable.Start(ctx, job)
			if err != nil {
				return durable.Report{}, err
			}
			time.Sleep(time.Minute) // the first batch is at the provider
			last, err1 := h.Position(ctx, "t-0")
			next, err2 := h.Position(ctx, "t-1")
			if errors.Join(err1, err2) != nil || last != next+1 || last < 2500 || last > 4000-100 {
				t.Errorf("the last item is at %d, the one before at %d, %v, %v", last, next, err1, err2)
			}
			if _, err := h.Position(ctx, "t-3999"); !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("an item in a batch: %v", err)
			}
			other := w.Attach()
			if n, err := other.Position(ctx, "t-1"); n != next || err != nil {
				t.Errorf("another process is told %d, %v, want %d", n, err, next)
			}
			if _, err := other.Position(ctx, "t-3999"); !errors.Is(err, queue.ErrNotFound) {
				t.Errorf("another process, about an item in a batch: %v", err)
			}
			cancel()
			report, err := h.Wait(context.WithoutCancel(ctx))
			for _, h := range []*durable.Handle{h, other} {
				if _, err := h.Position(context.WithoutCancel(ctx), "t-0"); !errors.Is(err, queue.ErrNotFound) {
					t.Errorf("after the end: %v", err)
				}
			}
			return report, err
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A process that only reads the input answers others, too, and ends if the run
// is cancelled.
func TestAProcessThatIngestsAnswersOthers(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t, ctx := w.T, w.T.Context()
		job := w.Job()
		job.Source, job.Dir = &endless{ctx: ctx}, w.StateDir()
		ended := make(chan error)
		go func() {
			_, err := durable.Ingest(ctx, job)
			ended <- err
		}()
		time.Sleep(time.Minute)
		h := w.Attach()
		if n, err := h.Position(ctx, "11"); n != 10 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if err := h.Cancel(ctx); err != nil {
			t.Error(err)
		}
		if _, cancelled := errors.AsType[*durable.CancelledError](<-ended); !cancelled {
			t.Error("reading went on")
		}
	})
}

// A process that does not answer is told of.
func TestAProcessThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		t := w.T
		w.Write("in.jsonl", durabletest.Tickets(3)...)
		if _, err := w.With(t.Context(), w.Job(), durable.Ingest[durabletest.Ticket]); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(w.Path("state"))
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		lock, err := rundir.New(w.Path("state"), "tickets").Begin(root)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Attach().Position(t.Context(), "t-1"); err == nil || !strings.Contains(err.Error(), "has not answered") {
			t.Error(err)
		}
		if err := lock.Unlock(); err != nil {
			t.Error(err)
		}
	})
}
