package durable

import (
	"cmp"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm/price"
)

// quotedAtOnce is how many rows get their routes at once.
const quotedAtOnce = 1000

// quoting counts the rows of a quote.
type quoting struct {
	*engine
	quote   Quote
	chunk   []jobdir.Entry // rows without a route so far
	routes  map[int]*quoted
	late    map[jobdir.Route]*estimate // of routes for rows near their deadline
	answers *quotedAnswers
}

// quoted is a route while its rows are counted.
type quoted struct {
	RouteQuote
	estimate
	number int
	bytes  int64
	tokens int64
	prime  *primeCount
}

func (q *quoted) known() bool { return q.priced.known }

// add counts a row that waits.
func (q *quoting) add(row jobdir.Entry) error {
	if row.Follows() {
		q.quote.Shared++
		return nil
	}
	if q.chunk = append(q.chunk, row); len(q.chunk) < quotedAtOnce {
		return nil
	}
	return q.flush()
}

// flush counts the rows that have no route so far.
func (q *quoting) flush() error {
	err := q.packer.routed(q.chunk)
	for i := range q.chunk {
		if err == nil {
			err = q.count(&q.chunk[i])
		}
	}
	q.chunk = q.chunk[:0]
	return err
}

func (q *quoting) count(row *jobdir.Entry) error {
	if answered, err := q.answers.has(row); err != nil || answered {
		if answered {
			q.quote.Cached++
		}
		return err
	}
	n := int(row.Route)
	r := q.routes[n]
	if r == nil {
		route := q.batches.routes.get(n)
		r = &quoted{number: n, estimate: q.newEstimate(route, q.ledger.seen[n]), prime: q.newPrimeCount(n)}
		r.RouteQuote = RouteQuote{Name: route.Name, Provider: route.Provider, Model: route.Model, Live: route.Live, Priced: r.known()}
		q.routes[n] = r
	}
	used := r.usage(row)
	cost, list := r.cost(used, used.Input)
	r.Rows, r.bytes, r.tokens = r.Rows+1, r.bytes+int64(row.Weight()), r.tokens+jobdir.TokensIn(row.Asked())
	r.Usage, r.Cost, r.List = r.Usage.Add(used), r.Cost.Add(cost), r.List.Add(list)
	r.Reserved = r.Reserved.Add(r.reserve(row))
	r.prime.add(row, r.tier(used.Input))
	if q.batches.routes.isEscalation(n) {
		return nil // it is late already
	}
	return q.countLate(r, row, cost)
}

// countLate counts what a row costs if it comes near its deadline.
func (q *quoting) countLate(now *quoted, row *jobdir.Entry, cost price.Money) error {
	l, target := q.batches.routes, q.batches.targets.get(int(row.Target))
	found, most, known := l.forDeadline(row), price.Money(0), now.known()
	for _, own := range found {
		route, err := l.own[own].routeTo(target)
		if err != nil {
			return err
		}
		e := q.estimateFor(route)
		used := e.usage(row)
		there, _ := e.cost(used, used.Input)
		most, known = max(most, there), known && e.priced.known
	}
	if len(found) == 0 {
		return nil
	}
	if q.quote.Late == nil {
		q.quote.Late = &LateQuote{Priced: true}
	}
	late := q.quote.Late
	late.Rows, late.Cost, late.Extra = late.Rows+1, late.Cost.Add(most), late.Extra.Add(max(0, most-cost))
	late.Priced = late.Priced && known
	return nil
}

// estimateFor returns the estimate of a route that may have no number.
func (q *quoting) estimateFor(route jobdir.Route) *estimate {
	if e := q.late[route]; e != nil {
		return e
	}
	e := q.newEstimate(route, jobdir.RouteState{})
	q.late[route] = &e
	return &e
}

// result returns the quote once all rows are counted.
func (q *quoting) result() (Quote, error) {
	if err := q.flush(); err != nil {
		return q.quote, err
	}
	for _, r := range q.routes {
		q.quote.Routes = append(q.quote.Routes, q.quoted(r))
	}
	slices.SortFunc(q.quote.Routes, func(a, b RouteQuote) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model))
	})
	return q.quote, nil
}

// quoted returns the figures of a route whose rows are counted.
func (q *quoting) quoted(r *quoted) RouteQuote {
	limits := q.batches.routes.serviceOf(r.number).Limits(r.Model)
	for _, most := range []struct{ all, limit int64 }{
		{int64(r.Rows), int64(narrow(q.batch.MaxItems, limits.Rows))},
		{r.bytes, int64(narrow(q.batch.MaxWeight, int(limits.Bytes)))},
		{r.tokens, q.batches.routes.tokensOf(r.number)},
	} {
		if most.limit > 0 {
			r.Batches = max(r.Batches, int((most.all+most.limit-1)/most.limit))
		}
	}
	r.Batches, r.Prime = max(r.Batches, 1), r.prime.quote()
	return r.RouteQuote
}
