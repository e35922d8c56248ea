package durable_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/flow/router"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/simulator"
)

// A route whose model has no price of its own is charged as the model that it
// names: in the quote, in what a budget reserves, and in the receipt.
func TestARouteHasThePriceOfTheModelThatItNames(t *testing.T) {
	t.Parallel()
	for _, as := range []string{"gpt-test", "openai/gpt-test"} {
		w := durabletest.New(t, simulator.Config{})
		w.Write("in.jsonl", durabletest.Tickets(40)...)
		job := twoRoutes(w)
		job.Choose, job.Prices, job.Budget = router.RoundRobin[durable.Waiting](), testPrices(t), durable.Budget{Total: 100 * price.USD}
		job.Routes[1].Model = "gpt-test"
		job.Routes[0].Model = "ft:gpt-mini:acme::1"
		var unknown *durable.UnknownPriceError
		if _, err := w.Run(t.Context(), job); !errors.As(err, &unknown) || unknown.Model != job.Routes[0].Model {
			t.Fatalf("without: %v", err)
		}
		job.Routes[0].PriceAs = "gpt-tset"
		if _, err := w.Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), `PriceAs of the route "mini" is "gpt-tset"`) {
			t.Fatalf("of an unknown model: %v", err)
		}
		job.Routes[0].PriceAs = as
		job.Dir = w.StateDir()
		q, _, err := durable.Estimate(t.Context(), job)
		if err != nil || len(q.Routes) != 2 || !q.Routes[0].Priced || q.Routes[0].Cost != q.Routes[1].Cost || q.Routes[0].Reserved == 0 {
			t.Errorf("%s: %+v, %v", as, q, err)
		}
		job.Dir = nil
		report := w.MustRun(job)
		if bill := billOf(w); int64(report.Spending.Cost) != bill || report.Spending.Unpriced != 0 {
			t.Errorf("%s: the bill is %d: %+v", as, bill, report.Spending)
		}
		for id, r := range w.Results() {
			if r.Cost == nil || *r.Cost == 0 {
				t.Errorf("%s: %+v", id, r)
			}
		}
	}
}
