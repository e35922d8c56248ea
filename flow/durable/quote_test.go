package durable_test

import (
	"testing"
	"time"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/durabletest"
	"github.com/balerhq/baler/sink/live"
	"github.com/balerhq/baler/sink/llm/price"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// quoteOf estimates a job in a directory of its own.
func quoteOf(w *durabletest.World, job durable.Job[durabletest.Ticket], others ...*durable.Dir) durable.Quote {
	w.T.Helper()
	job.Dir = w.OpenDir("plan " + job.Name)
	q, _, err := durable.Estimate(w.T.Context(), job, others...)
	if err != nil {
		w.T.Fatal(err)
	}
	return q
}

// A quote counts answers of another directory apart, those of any route that
// an item may take. The others are those that are sent.
func TestAQuoteCountsAnswersOfAnyRoute(t *testing.T) {
	t.Parallel()
	w := durabletest.New(t, simulator.Config{})
	w.MustRunAs("one", w.Job(), durabletest.Tickets(30)...)
	w.Write("in.jsonl", durabletest.Others(20, 60)...)
	job := w.Job()
	job.Name, job.Prices = "two", testPrices(t)
	job.Model, job.Provider = "", nil
	job.Routes = []durable.Route{{Name: "new", Provider: w.Provider, Model: "gpt-new"}, {Name: "old", Provider: w.Provider, Model: "gpt-test"}}

	q := quoteOf(w, job, w.StateDir(), w.OpenDir("none"))
	if q.Cached != 10 || len(q.Routes) != 1 || q.Routes[0].Rows != 30 || q.Routes[0].Priced || q.Late != nil {
		t.Errorf("%+v", q)
	}
	job.Name = "without"
	if q = quoteOf(w, job); q.Cached != 0 || q.Routes[0].Rows != 40 {
		t.Errorf("%+v", q)
	}
	job.Name, job.Routes = "no such route", job.Routes[:1]
	if q = quoteOf(w, job, w.StateDir()); q.Cached != 0 {
		t.Errorf("%+v", q)
	}
	job.Name, job.Routes[0].Model, job.Samples = "samples", "gpt-test", true
	if q = quoteOf(w, job, w.StateDir()); q.Cached != 0 || !q.Routes[0].Priced {
		t.Errorf("%+v", q)
	}
}

// A quote says what items with a deadline cost on the live route, and how much
// more that is: the live prices are twice those of batches.
func TestAQuoteSaysWhatLateItemsCost(t *testing.T) {
	t.Parallel()
	durabletest.Bubble(t, simulator.Config{}, openai.Config{}, nil, func(w *durabletest.World) {
		p := openLive(w, "sk-simulated", live.Config{})
		defer closeLive(w, p)
		job := urgent(w, p)
		job.Prices, job.Name = testPrices(w.T), "late"
		job.Deadline = func(tk durabletest.Ticket) time.Time {
			if tk.ID < "t-2" {
				return w.Log.Start.Add(24 * time.Hour)
			}
			return time.Time{}
		}
		w.Write("in.jsonl", durabletest.Tickets(10)...)
		q := quoteOf(w, job)
		if len(q.Routes) != 1 || q.Routes[0].Live || q.Late == nil || q.Late.Rows != 2 || !q.Late.Priced || q.Cost() == 0 ||
			q.Late.Extra != q.Cost()/5 || q.Late.Cost != 2*q.Late.Extra {
			w.T.Errorf("%+v, %+v", q, q.Late)
		}
		job.Name, job.Prices = "unknown", new(price.Table)
		if q = quoteOf(w, job); q.Late == nil || q.Late.Priced || q.Late.Rows != 2 {
			w.T.Errorf("%+v", q.Late)
		}
	})
}
