package durable_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// twoKeys is an account with an old and a new key, and a stranger.
func twoKeys(t *testing.T, test func(*durabletest.World)) {
	t.Helper()
	durabletest.Bubble(t, simulator.Config{
		Accounts: map[string]string{"sk-test": "acme", "sk-new": "acme", "sk-newest": "acme"},
		Latency:  simulator.Latency{Processing: 5 * time.Minute},
	}, openai.Config{}, nil, test)
}

// leaveOpen runs the job until its batches are open.
func leaveOpen(w *durabletest.World, job durable.Job[durabletest.Ticket], batches int) {
	w.T.Helper()
	w.LeaveWhen(job, func(p durable.Progress) bool { return p.Batches >= batches })
}

func wantMismatch(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
	w.T.Helper()
	before := len(w.Server.Batches())
	_, err := w.Run(w.T.Context(), job)
	var mismatch *durable.MismatchError
	if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "use a key of that account") {
		w.T.Errorf("error %v", err)
	}
	if n := len(w.Server.Batches()); n != before {
		w.T.Errorf("%d batches, %d before", n, before)
	}
}

// A new key of the same account goes on with what is open, and one of another
// account does not.
func TestAnotherKeyOfTheSameAccountGoesOn(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]func(*openai.Client) sink.Provider{
		"with tags":    func(c *openai.Client) sink.Provider { return c },
		"without tags": func(c *openai.Client) sink.Provider { return sinktest.Untagged(c) },
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(50)...)
				job := w.Job()
				job.Batch.MaxItems, job.Provider = 10, of(w.Provider)
				leaveOpen(w, job, 5)
				job.Provider = of(w.Client("sk-stranger"))
				wantMismatch(w, job)
				job.Provider = of(w.Client("sk-new"))
				w.Leave(job, 1)
				job.Provider = of(w.Client("sk-newest"))
				if report := w.MustRun(job); report.Succeeded != 50 || report.Batches != 5 {
					w.T.Errorf("report %+v", report)
				}
				w.WantBilledOnce(50)
				if got := storedRemote(w); len(got) > 0 {
					w.T.Errorf("%v is left at the provider", got)
				}
			})
		})
	}
}

// A list that cannot be read to its end is no word about whose the key is.
func TestAListThatCannotBeReadDisownsNoAccount(t *testing.T) {
	t.Parallel()
	endless := func(route string, from int) simulator.Fault {
		return simulator.Fault{Route: route, From: from, Times: -1, Action: simulator.ActionReplace, Body: `{"data":[{"id":"x"}],"has_more":true}`}
	}
	for name, test := range map[string]struct {
		leave func(*durabletest.World, durable.Job[durabletest.Ticket])
		list  simulator.Fault
	}{
		"of batches": {func(w *durabletest.World, job durable.Job[durabletest.Ticket]) { leaveOpen(w, job, 1) }, endless("GET /v1/batches", 3)}, // after a check, and a look for what the journal lacks,
		"of files": {func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
			w.SetFaults(simulator.Fault{Route: creation, Action: simulator.ActionReset})
			leaveInDoubt(w, job)
		}, endless("GET /v1/files", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(50)...)
				job := w.Job()
				test.leave(w, job)
				before := len(w.Server.Batches())
				w.SetFaults(test.list)
				job.Provider = w.Client("sk-new")
				_, err := w.Run(w.T.Context(), job)
				if errors.As(err, new(*durable.MismatchError)) || err == nil || !strings.Contains(err.Error(), "cannot be read to its end") {
					w.T.Errorf("error %v", err)
				}
				if n := len(w.Server.Batches()); n != before {
					w.T.Errorf("%d batches, %d before", n, before)
				}
				w.SetFaults()
				job.Provider = w.Client("sk-newest")
				if report := w.MustRun(job); report.Succeeded != 50 {
					w.T.Errorf("report %+v", report)
				}
				w.WantBilledOnce(50)
			})
		})
	}
}

// held is a source that repeats one of its first items until ctx is done.
type held struct {
	durable.Source[durabletest.Ticket]
	ctx   context.Context
	items int
}

func (s held) Items() iter.Seq2[durabletest.Ticket, error] {
	return func(yield func(durabletest.Ticket, error) bool) {
		n := 0
		for item, err := range s.Source.Items() {
			for n++; n == s.items && s.ctx.Err() == nil; time.Sleep(time.Second) {
				if !yield(item, err) {
					return
				}
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// leaveNothingOpen runs the job until its first items are settled, and no other
// batch can have been begun.
func leaveNothingOpen(w *durabletest.World, job durable.Job[durabletest.Ticket], items int) {
	w.T.Helper()
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	job.Source = held{job.Source, ctx, items}
	job.Progress = func(p durable.Progress) {
		if p.Succeeded == items && p.InFlight == 0 {
			cancel(durabletest.ErrEnough)
		}
	}
	if report, err := w.Run(ctx, job); !errors.Is(err, durabletest.ErrEnough) || report.InFlight != 0 {
		w.T.Fatalf("report %+v, %v", report, err)
	}
}

// With nothing open, whose the key is does not matter.
func TestAnotherAccountGoesOnWithNothingOpen(t *testing.T) {
	t.Parallel()
	twoKeys(t, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(50)...)
		job := w.Job()
		job.Batch.MaxItems, job.MaxInFlight = 10, 1
		leaveNothingOpen(w, job, 20)
		job.Provider = w.Client("sk-stranger")
		if report := w.MustRun(job); report.Succeeded != 50 {
			w.T.Errorf("report %+v", report)
		}
		w.WantBilledOnce(50)
	})
}

// leaveInDoubt runs the job until a creation was sent.
func leaveInDoubt(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
	w.T.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(w.T.Context())
	defer cancel(nil)
	go func() {
		for ctx.Err() == nil && countCalls(w, creation) == 0 {
			time.Sleep(time.Second)
		}
		cancel(enough)
	}()
	if _, err := w.Run(ctx, job); !errors.Is(err, enough) {
		w.T.Fatalf("error %v", err)
	}
}

// A creation in doubt is looked for by another key of the account alone.
func TestACreationInDoubtIsFoundByAnotherKey(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]simulator.Fault{
		"applied":     {Route: creation, Action: simulator.ActionResetAfter},
		"not applied": {Route: creation, Action: simulator.ActionReset},
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *durabletest.World) {
				w.Write("in.jsonl", durabletest.Tickets(50)...)
				w.SetFaults(fault, simulator.Fault{Route: "GET /v1/batches", From: 2, Times: -1, Action: simulator.ActionFail})
				job := w.Job()
				leaveInDoubt(w, job)
				w.SetFaults()
				job.Provider = w.Client("sk-stranger")
				wantMismatch(w, job)
				job.Provider = w.Client("sk-new")
				if report := w.MustRun(job); report.Succeeded != 50 || report.Batches != 1 {
					w.T.Errorf("report %+v", report)
				}
				w.WantBilledOnce(50)
			})
		})
	}
}
