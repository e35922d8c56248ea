package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
	"github.com/balerhq/baler/sink/sinktest"
)

// twoKeys is an account with an old and a new key, and a stranger.
func twoKeys(t *testing.T, test func(*airtight)) {
	t.Helper()
	bubble(t, simulator.Config{
		Accounts: map[string]string{"sk-test": "acme", "sk-new": "acme", "sk-newest": "acme"},
		Latency:  simulator.Latency{Processing: 5 * time.Minute},
	}, openai.Config{}, nil, test)
}

// key is a client with another key.
func (w *airtight) key(key string) *openai.Client {
	w.t.Helper()
	c, err := openai.New(key, openai.Config{
		BaseURL: "http://127.0.0.1/v1", Transport: w.server.Client().Transport, CallsPerSecond: 1_000_000,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// leaveOpen runs the job until its batches are open.
func (w *airtight) leaveOpen(job durable.Job[ticket], batches int) {
	w.t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(w.t.Context())
	defer cancel(nil)
	job.Progress = func(p durable.Progress) {
		if p.Batches == batches {
			cancel(enough)
		}
	}
	if _, err := w.run(ctx, job); !errors.Is(err, enough) {
		w.t.Fatalf("error %v", err)
	}
}

func (w *airtight) wantMismatch(job durable.Job[ticket]) {
	w.t.Helper()
	before := len(w.server.Batches())
	_, err := w.run(w.t.Context(), job)
	var mismatch *durable.MismatchError
	if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "use a key of that account") {
		w.t.Errorf("error %v", err)
	}
	if n := len(w.server.Batches()); n != before {
		w.t.Errorf("%d batches, %d before", n, before)
	}
}

// A new key of the same account goes on with what is open, and one of another
// account does not.
func TestAnotherKeyOfTheSameAccountGoesOn(t *testing.T) {
	for name, of := range map[string]func(*openai.Client) sink.Provider{
		"with tags":    func(c *openai.Client) sink.Provider { return c },
		"without tags": sinktest.Untagged[*openai.Client],
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *airtight) {
				w.write("in.jsonl", tickets(50)...)
				job := w.job()
				job.Batch.MaxItems, job.Codec, job.Provider = 10, w.provider, of(w.provider)
				w.leaveOpen(job, 5)
				job.Provider = of(w.key("sk-stranger"))
				w.wantMismatch(job)
				job.Provider = of(w.key("sk-new"))
				w.leave(job, 1)
				job.Provider = of(w.key("sk-newest"))
				if report := w.mustRun(job); report.Succeeded != 50 || report.Batches != 5 {
					w.t.Errorf("report %+v", report)
				}
				w.wantBilledOnce(50)
				if got := w.stored(); len(got) > 0 {
					w.t.Errorf("%v is left at the provider", got)
				}
			})
		})
	}
}

// A list that cannot be read to its end is no word about whose the key is.
func TestAListThatCannotBeReadDisownsNoAccount(t *testing.T) {
	endless := func(route string, from int) simulator.Fault {
		return simulator.Fault{Route: route, From: from, Times: -1, Action: simulator.Replace, Body: `{"data":[{"id":"x"}],"has_more":true}`}
	}
	for name, test := range map[string]struct {
		leave func(*airtight, durable.Job[ticket])
		list  simulator.Fault
	}{
		"of batches": {func(w *airtight, job durable.Job[ticket]) { w.leaveOpen(job, 1) }, endless("GET /v1/batches", 3)}, // after a check, and a look for what the journal lacks,
		"of files": {func(w *airtight, job durable.Job[ticket]) {
			w.setFaults(simulator.Fault{Route: creation, Action: simulator.Reset})
			w.leaveInDoubt(job)
		}, endless("GET /v1/files", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *airtight) {
				w.write("in.jsonl", tickets(50)...)
				job := w.job()
				test.leave(w, job)
				before := len(w.server.Batches())
				w.setFaults(test.list)
				job.Provider = w.key("sk-new")
				_, err := w.run(w.t.Context(), job)
				if errors.As(err, new(*durable.MismatchError)) || err == nil || !strings.Contains(err.Error(), "cannot be read to its end") {
					w.t.Errorf("error %v", err)
				}
				if n := len(w.server.Batches()); n != before {
					w.t.Errorf("%d batches, %d before", n, before)
				}
				w.setFaults()
				job.Provider = w.key("sk-newest")
				if report := w.mustRun(job); report.Succeeded != 50 {
					w.t.Errorf("report %+v", report)
				}
				w.wantBilledOnce(50)
			})
		})
	}
}

// With nothing open, whose the key is does not matter.
func TestAnotherAccountGoesOnWithNothingOpen(t *testing.T) {
	twoKeys(t, func(w *airtight) {
		w.write("in.jsonl", tickets(50)...)
		job := w.job()
		job.Batch.MaxItems, job.MaxInFlight = 10, 1
		enough := errors.New("enough")
		ctx, cancel := context.WithCancelCause(w.t.Context())
		defer cancel(nil)
		job.Progress = func(p durable.Progress) {
			if p.Succeeded >= 20 && p.InFlight == 0 {
				cancel(enough)
			}
		}
		if _, err := w.run(ctx, job); !errors.Is(err, enough) {
			w.t.Fatalf("error %v", err)
		}
		job.Provider, job.Progress = w.key("sk-stranger"), nil
		if report := w.mustRun(job); report.Succeeded != 50 {
			w.t.Errorf("report %+v", report)
		}
		w.wantBilledOnce(50)
	})
}

// leaveInDoubt runs the job until a creation was sent.
func (w *airtight) leaveInDoubt(job durable.Job[ticket]) {
	w.t.Helper()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(w.t.Context())
	defer cancel(nil)
	go func() {
		for ctx.Err() == nil && w.requests(creation) == 0 {
			time.Sleep(time.Second)
		}
		cancel(enough)
	}()
	if _, err := w.run(ctx, job); !errors.Is(err, enough) {
		w.t.Fatalf("error %v", err)
	}
}

// A creation in doubt is looked for by another key of the account alone.
func TestACreationInDoubtIsFoundByAnotherKey(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"applied":     {Route: creation, Action: simulator.ResetAfter},
		"not applied": {Route: creation, Action: simulator.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			twoKeys(t, func(w *airtight) {
				w.write("in.jsonl", tickets(50)...)
				w.setFaults(fault, simulator.Fault{Route: "GET /v1/batches", From: 2, Times: -1, Action: simulator.Fail})
				job := w.job()
				w.leaveInDoubt(job)
				w.setFaults()
				job.Provider = w.key("sk-stranger")
				w.wantMismatch(job)
				job.Provider = w.key("sk-new")
				if report := w.mustRun(job); report.Succeeded != 50 || report.Batches != 1 {
					w.t.Errorf("report %+v", report)
				}
				w.wantBilledOnce(50)
			})
		})
	}
}
