package durable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// Batches that wait when a row does not fit into the budget are bought first.
func TestBatchesThatWaitAreBoughtBeforeABudgetEnds(t *testing.T) {
	t.Parallel()
	cfg := simulator.Config{Latency: simulator.Latency{Processing: 5 * time.Minute}}
	durabletest.Bubble(t, cfg, openai.Config{}, nil, func(w *durabletest.World) {
		rows := durabletest.Tickets(30)
		rows[29] = strings.Replace(rows[29], `"text":"`, `"text":"`+strings.Repeat("long ", 100_000), 1)
		w.Write("in.jsonl", rows...)
		job := budgetJob(w)
		job.Batch.MaxItems, job.Enqueued.Batches = 10, 1 // the others wait for room
		job.Prompt = withLimit(job.Prompt, 100)
		job.Budget.Total = 10 * price.Cent
		for range 2 {
			report, err := w.Run(w.T.Context(), job)
			if _, over := errors.AsType[*durable.BudgetError](err); !over || report.Succeeded != 29 || report.InFlight != 0 {
				w.T.Fatalf("%v, %+v", err, report.Progress)
			}
		}
	})
}

// A batch that waits for the budget does not have the slot that the batch needs
// whose end it waits for.
func TestABatchThatWaitsForTheBudgetHoldsNoSlot(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		w.SetFaults(invalid(2, fullError)) // the first one waits, and lends its slot
		job.MaxInFlight, job.Budget.Total = 1, 15*price.Cent/10
		ctx, cancel := context.WithTimeout(w.T.Context(), 20*time.Hour)
		defer cancel()
		report, err := w.Run(ctx, job)
		if _, over := errors.AsType[*durable.BudgetError](err); !over || report.Succeeded < 10 || report.InFlight != 0 {
			w.T.Errorf("%v, %+v", err, report.Progress)
		}
	})
}

// A batch that a paused run seals on the next day needs the budget of that day.
func TestABatchThatWaitsPastMidnightNeedsTheNewDay(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Budget.PerDay, job.Budget.Zone = 2*price.Cent, time.FixedZone("", 24*3600-600) // ten minutes are left of the day
		days := make(map[string]price.Money)
		paused := false
		job.Observe = func(e durable.Event) {
			if e.Batch == nil || e.Batch.State != "sealed" {
				return
			}
			days[e.At.In(job.Budget.Zone).Format(time.DateOnly)] += price.Money(e.Batch.Rows) * price.Cent / 10
			if !paused {
				paused = true
				if err := w.Attach().Pause(w.T.Context()); err != nil {
					w.T.Error(err)
				}
				time.AfterFunc(20*time.Minute, func() { _ = w.Attach().Resume(w.T.Context()) })
			}
		}
		ctx, cancel := context.WithTimeout(w.T.Context(), time.Hour)
		defer cancel()
		if report, err := w.Run(ctx, job); !errors.Is(err, context.DeadlineExceeded) || len(days) != 2 {
			w.T.Errorf("%v, %v, %+v", err, days, report.Progress)
		}
		for day, cost := range days {
			if cost > 2*price.Cent {
				w.T.Errorf("%s: %s", day, cost)
			}
		}
	})
}

// An adopted batch has a reservation, so that no other is bought beside it
// beyond the budget.
func TestAnAdoptedBatchIsReserved(t *testing.T) {
	t.Parallel()
	withoutTags(t, func(u *untagged) {
		p := u.Provider
		bought := u.lose(p)
		time.Sleep(2 * processing)
		u.ingest(u.of(p))
		u.wantAdopted(p, "2", "2", "1")
		job := u.of(p)
		job.Prices, job.Budget.Total = testPrices(u.T), price.USD
		most := price.Money(0)
		job.Progress = func(p durable.Progress) { most = max(most, p.Spending.Reserved) }
		u.wantAnswers(job, bought...)
		if most == 0 {
			u.T.Error("nothing was reserved")
		}
	})
}
