package durable

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Quote is what the items of a job may cost that wait to be bought.
type Quote struct {
	Routes []RouteQuote
	// Cached counts the items that have an answer of another job of the Dir.
	// They cost nothing and belong to no route.
	Cached int
	// Shared counts the items that ask what another one asks, and get its
	// answer.
	Shared int
}

// RouteQuote is what the items of a route may cost.
type RouteQuote struct {
	Name     string // of a job with Routes
	Provider string
	Model    string
	Live     bool // they are asked one by one, not in batches
	Rows     int
	Batches  int       // at least
	Usage    llm.Usage // as expected
	Cost     price.Money
	List     price.Money // what the same costs live
	Reserved price.Money // what a Budget must have to buy all of them at once
	Priced   bool        // the price is known
}

// Cost returns what all routes are expected to cost, as far as their prices are
// known.
func (q *Quote) Cost() (total price.Money) {
	for i := range q.Routes {
		total = total.Add(q.Routes[i].Cost)
	}
	return total
}

// Estimate does what Ingest does, and then says what the items may cost that wait.
// It sends nothing. The estimate is rough until a route has answered: it goes
// by the size of the requests and by their limit of tokens.
func Estimate[T any](ctx context.Context, job Job[T]) (Quote, Report, error) {
	if job.Dir == nil {
		return Quote{}, Report{}, errors.New("durable: Job.Dir is missing: what Estimate reads would be gone")
	}
	s, err := begin(ctx, &job)
	if err != nil {
		return Quote{}, Report{}, err
	}
	var q Quote
	if err = s.controller.cancellation(); err == nil {
		err = s.intake.ingest(ctx, s.input)
	}
	if err == nil {
		q, err = s.quote(ctx)
	}
	report, err := s.end(ctx, err)
	<-s.callbacks.done()
	return q, report, err
}

// quote says what the rows may cost that wait.
func (e *engine) quote(ctx context.Context) (q Quote, err error) {
	var chunk []jobdir.Entry
	routes := make(map[int]*quoted)
	count := func() error {
		err := e.packer.routed(chunk)
		for i := range chunk {
			if err == nil {
				e.quoteRow(&q, routes, &chunk[i])
			}
		}
		chunk = chunk[:0]
		return err
	}
	for row, err := range e.batches.ready.Waiting() {
		switch {
		case err != nil:
			return q, e.IfDamaged(jobdir.ReadyDir, err)
		case ctx.Err() != nil:
			return q, context.Cause(ctx)
		case row.Follows():
			q.Shared++
			continue
		}
		if chunk = append(chunk, row); len(chunk) >= quotedAtOnce {
			if err := count(); err != nil {
				return q, err
			}
		}
	}
	if err := count(); err != nil {
		return q, err
	}
	for _, r := range routes {
		q.Routes = append(q.Routes, r.quote(e))
	}
	slices.SortFunc(q.Routes, func(a, b RouteQuote) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model))
	})
	return q, nil
}

// quotedAtOnce is how many rows get their routes at once.
const quotedAtOnce = 1000

// quoted is a route while its rows are counted.
type quoted struct {
	RouteQuote
	estimate
	number int
	bytes  int64
	tokens int64
}

func (e *engine) quoteRow(q *Quote, routes map[int]*quoted, row *jobdir.Entry) {
	if row.Hit != nil {
		q.Cached++
		return
	}
	n := int(row.Route)
	r := routes[n]
	if r == nil {
		route := e.batches.routes.get(n)
		r = &quoted{number: n, estimate: e.newEstimate(route, e.ledger.seen[n])}
		r.RouteQuote = RouteQuote{Name: route.Name, Provider: route.Provider, Model: route.Model, Live: route.Live, Priced: r.known()}
		routes[n] = r
	}
	used := r.usage(row)
	cost, list := r.cost(used, used.Input)
	r.Rows, r.bytes, r.tokens = r.Rows+1, r.bytes+int64(row.Weight()), r.tokens+jobdir.TokensIn(row.Asked())
	r.Usage, r.Cost, r.List = r.Usage.Add(used), r.Cost.Add(cost), r.List.Add(list)
	r.Reserved = r.Reserved.Add(r.reserve(row))
}

func (q *quoted) known() bool { return q.priced.known }

// quote returns the figures of a route whose rows are counted.
func (q *quoted) quote(e *engine) RouteQuote {
	limits := e.batches.routes.serviceOf(q.number).Limits(q.Model)
	for _, most := range []struct{ all, limit int64 }{
		{int64(q.Rows), int64(narrow(e.batch.MaxItems, limits.Rows))},
		{q.bytes, int64(narrow(e.batch.MaxWeight, int(limits.Bytes)))},
		{q.tokens, e.batches.routes.tokensOf(q.number)},
	} {
		if most.limit > 0 {
			q.Batches = max(q.Batches, int((most.all+most.limit-1)/most.limit))
		}
	}
	q.Batches = max(q.Batches, 1)
	return q.RouteQuote
}
