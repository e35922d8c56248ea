package durable_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

// silent runs a test with a hundred rows whose answers do not say what they
// have used.
func silent(t *testing.T, test func(w *durabletest.World, job durable.Job[durabletest.Ticket])) {
	t.Helper()
	answeredBy(t, simulator.Reply{Body: []byte(`{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}]}`)}, test)
}

// An answer that does not say what it has used counts what was reserved for it,
// so that the budget still binds. What it has cost is not known.
func TestAnswersWithoutUsageCountWhatWasReserved(t *testing.T) {
	t.Parallel()
	for _, check := range []bool{false, true} { // each is asked twice
		t.Run(fmt.Sprint(check), func(t *testing.T) {
			t.Parallel()
			silent(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
				job.Budget.Total = 5 * price.Cent
				if check {
					job.Check = rarely
				}
				report, err := w.Run(w.T.Context(), job)
				if _, over := errors.AsType[*durable.BudgetError](err); !over {
					w.T.Fatalf("%v, %+v", err, report.Spending)
				}
				s := report.Spending
				if s.Cost > 5*price.Cent || s.Cost < 4*price.Cent || s.Reserved != 0 || s.Unpriced < report.Settled() || !check && s.Unpriced != report.Settled() {
					w.T.Errorf("%+v, %d rows", s, report.Settled())
				}
				for r, err := range w.Archive("tickets").Results(archive.Query{Codec: w.Provider.Info().Codec}) {
					if err != nil || r.Cost != nil {
						w.T.Fatalf("%+v, %v", r, err)
					}
				}
				for _, r := range w.Results() {
					if r.Cost != nil {
						w.T.Fatalf("%+v", r)
					}
				}
			})
		})
	}
}

// Rows that share a request whose answer does not say what it has used count
// what was reserved for each, also those that are not in the answer and are
// asked again alone.
func TestSharedRequestsWithoutUsageCountWhatWasReserved(t *testing.T) {
	t.Parallel()
	const answer = `{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"[{\"id\":1,\"answer\":\"x\"}]"},"finish_reason":"stop"}]}`
	answeredBy(t, simulator.Reply{Body: []byte(answer)}, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Pack.MaxItems, job.Budget.Total = 5, price.USD
		report, err := w.Run(w.T.Context(), job)
		if err != nil {
			w.T.Fatal(err)
		}
		// A hundred rows in twenty requests, and four of five rows once more.
		if s := report.Spending; report.Succeeded != 100 || report.Retried != 80 || s.Unpriced != 180 || s.Cost == 0 {
			w.T.Errorf("%+v, %+v", s, report.Progress)
		}
		shared := price.Money(0)
		for _, l := range journalOf(w) {
			if l.Settled != nil && len(l.Settled.Again) > 0 {
				shared += l.Settled.Cost
			}
		}
		if whole := report.Spending.Cost; 9*shared < 4*whole || 9*shared > 6*whole {
			w.T.Errorf("the shared requests cost %s of %s", shared, whole)
		}
	})
}

// A provider whose answers nothing reads is refused with a budget, unless they
// may count what is reserved for them.
func TestAProviderWithoutACodecIsRefusedWithABudget(t *testing.T) {
	t.Parallel()
	silent(t, func(w *durabletest.World, job durable.Job[durabletest.Ticket]) {
		job.Provider, job.Prompt = withCodec{w.Provider, nil}, nil
		job.Request = func(t durabletest.Ticket) (sink.Request, error) {
			body := fmt.Sprintf(`{"model":"gpt-test","max_tokens":100,"messages":[{"role":"user","content":%q}]}`, t.Text)
			return sink.Request{Endpoint: "/v1/chat/completions", Model: "gpt-test", Body: []byte(body)}, nil
		}
		job.Budget.Total = 5 * price.Cent
		_, err := w.Run(w.T.Context(), job)
		if _, refused := errors.AsType[*durable.UnknownUsageError](err); !refused || len(w.Server.Batches()) > 0 {
			w.T.Fatal(err)
		}
		job.UnknownPrice.Accept = true
		report, err := w.Run(w.T.Context(), job)
		if _, over := errors.AsType[*durable.BudgetError](err); !over || report.Spending.Cost < 4*price.Cent || report.Spending.Cost > 5*price.Cent {
			w.T.Errorf("%v, %+v", err, report.Spending)
		}
	})
}
