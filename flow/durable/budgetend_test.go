package durable_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// inBudget runs a test with a hundred rows that cost 0.001 dollars each.
func inBudget(t *testing.T, test func(w *durabletest.World, job durable.Job[durabletest.Ticket])) {
	t.Helper()
	answeredBy(t, simulator.Reply{Text: "an answer", InputTokens: 50, OutputTokens: 100}, test)
}

// answeredBy is a job of a hundred rows, ten a batch, that all get one answer.
func answeredBy(t *testing.T, reply simulator.Reply, test func(w *durabletest.World, job durable.Job[durabletest.Ticket])) {
	t.Helper()
	answer := func(simulator.Row) simulator.Reply { return reply }
	durabletest.Bubble(t, simulator.Config{Answer: answer}, openai.Config{}, nil, func(w *durabletest.World) {
		w.Write("in.jsonl", durabletest.Tickets(100)...)
		job := budgetJob(w)
		job.Batch.MaxItems = 10
		job.Prompt = withLimit(job.Prompt, 100)
		test(w, job)
	})
}

// What a budget allows is bought and delivered, then the run ends and says what
// is lacking. It does so again until the budget is raised.
func TestARunEndsWithinItsBudget(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Budget.Total = 5 * price.Cent
		for range 2 {
			report, err := w.Run(w.T.Context(), job)
			var spent *durable.BudgetError
			if !errors.As(err, &spent) {
				w.T.Fatalf("%v, %+v", err, report.Spending)
			}
			s := report.Spending
			if s.Cost > 5*price.Cent || s.Cost < 4*price.Cent || s.Reserved != 0 || s.Cost != price.Money(billOf(w)) {
				w.T.Errorf("%+v", s)
			}
			if spent.Settled != s.Cost || spent.Missing() <= 0 || spent.Rows != 100-report.Settled() || !strings.Contains(err.Error(), "budget of $0.05 is used up") {
				w.T.Errorf("%v", err)
			}
			status, err := w.Attach().Status()
			if err != nil || status.State != durable.StateStopped || !status.NeedsAction || !strings.Contains(status.Reason, "budget") || status.Spending != s {
				w.T.Errorf("%+v, %v", status, err)
			}
		}
		job.Budget.Total = 15 * price.Cent
		if s := w.MustRun(job).Spending; s.Cost != 10*price.Cent || s.Cost != price.Money(billOf(w)) || s.Left() != 5*price.Cent || s.Saved() != 10*price.Cent {
			w.T.Errorf("%+v", s)
		}
	})
}

// When the budget of a day is reached, the run goes on the next day.
func TestABudgetOfADay(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Budget.PerDay, job.Budget.Zone = 4*price.Cent, time.FixedZone("", 3*3600)
		began := time.Now()
		days := make(map[string]price.Money)
		job.Observe = func(e durable.Event) {
			if e.Batch != nil && e.Batch.State == "cleaned" {
				days[e.At.In(job.Budget.Zone).Format(time.DateOnly)] += price.Money(e.Batch.Rows) * price.Cent / 10
			}
		}
		w.MustRun(job)
		if took := time.Since(began); took < 45*time.Hour || took > 46*time.Hour || len(days) != 3 { // the world begins at three o'clock in this zone
			w.T.Errorf("%s, %v", took, days)
		}
		for day, cost := range days {
			if cost > 4*price.Cent {
				w.T.Errorf("%s: %s", day, cost)
			}
		}
	})
}

// A tenant whose budget is used up does not hold up others.
func TestABudgetOfTenants(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Budget.PerTenant = 2 * price.Cent
		job.Tenant = func(t durabletest.Ticket) string { // one has ninety rows
			if strings.HasSuffix(t.ID, "3") {
				return "few"
			}
			return "many"
		}
		report, err := w.Run(w.T.Context(), job)
		var spent *durable.BudgetError
		if !errors.As(err, &spent) || fmt.Sprint(spent.Tenants) != "[many]" || spent.Rows != 100-report.Settled() {
			w.T.Fatalf("%v, %+v", err, report.Progress)
		}
		by := make(map[string]price.Money)
		for _, t := range report.Tenants {
			by[t.Tenant] = t.Cost
		}
		if by["few"] != price.Cent || by["many"] > 2*price.Cent || by["many"] < 18*price.Cent/10 {
			w.T.Errorf("%v", by)
		}
		job.Budget.PerTenant = 10 * price.Cent
		if s := w.MustRun(job).Spending; s.Cost != 10*price.Cent {
			w.T.Errorf("%+v", s)
		}
	})
}

// Nothing is bought whose price is not known, unless somebody says what it
// counts.
func TestUnknownPricesAreRefusedWithABudget(t *testing.T) {
	t.Parallel()
	inBudget(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Model = "gpt-secret"
		job.Budget.Total = price.USD
		_, err := w.Run(w.T.Context(), job)
		if err == nil || !strings.Contains(err.Error(), `"gpt-secret" of openai`) || !strings.Contains(err.Error(), "UnknownPrice") {
			w.T.Fatal(err)
		}
		if n := len(w.Server.Batches()); n > 0 {
			w.T.Errorf("%d batches", n)
		}
		job.UnknownPrice.PerMillion = 10 * price.USD
		if s := w.MustRun(job).Spending; s.Cost != 15*price.Cent {
			w.T.Errorf("%+v", s)
		}
		job.Name, job.UnknownPrice, job.Budget.Total, job.Cache = "other", durable.UnknownPrice{Accept: true}, price.Cent, -1
		_, got := w.MustRunAs("other", job, durabletest.Tickets(3)...)
		if got["t-0"].Cost != nil {
			w.T.Errorf("%+v", got["t-0"])
		}
	})
}
