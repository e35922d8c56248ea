package durable

import (
	"context"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Quote is what the items of a job may cost that wait to be bought.
type Quote struct {
	Routes []RouteQuote `json:"routes"`
	// Cached counts the items that have an answer already: one that any route
	// gave that they may take, in another job, or in a directory that Estimate
	// looked into. They cost nothing and belong to no route. If Job.Choose
	// gives such an item another route, it is sent.
	Cached int `json:"cached"`
	// Shared counts the items that ask what another one asks, and get its
	// answer.
	Shared int `json:"shared"`
	// Late is what items cost if their batches are late, nil if no route has
	// Within, or no item a deadline.
	Late *LateQuote `json:"late,omitempty"`
}

// LateQuote is what the items with a deadline cost at worst: if no batch ends
// in time, so that all of them take a route that has Within. Of several, that
// is the dearest.
type LateQuote struct {
	Rows   int         `json:"rows"`
	Cost   price.Money `json:"cost"`   // in the place of what they cost in batches
	Extra  price.Money `json:"extra"`  // how much more that is
	Priced bool        `json:"priced"` // the prices of all routes are known
}

// RouteQuote is what the items of a route may cost.
type RouteQuote struct {
	Name     string      `json:"name,omitempty"` // of a job with Routes
	Provider string      `json:"provider"`
	Model    string      `json:"model"`
	Live     bool        `json:"live,omitempty"` // they are asked one by one, not in batches
	Rows     int         `json:"rows"`
	Batches  int         `json:"batches"` // at least
	Usage    llm.Usage   `json:"usage"`   // as expected
	Cost     price.Money `json:"cost"`
	List     price.Money `json:"list"`     // what the same costs live
	Reserved price.Money `json:"reserved"` // what a Budget must have to buy all of them at once
	Priced   bool        `json:"priced"`   // the price is known
	// Prime is what Job.PrimeCache is expected to do, which is in none of the
	// figures above; nil without it.
	Prime *PrimeQuote `json:"prime,omitempty"`
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
// by the size of the requests and by their limit of tokens. Answers that jobs
// in the others have count as if they were in Job.Dir, so that a job can be
// estimated in a Dir of its own. The others are only read, and may be in use.
func Estimate[T any](ctx context.Context, job Job[T], others ...*Dir) (Quote, Report, error) {
	if job.Dir == nil {
		return Quote{}, Report{}, errors.New("durable: Job.Dir is missing: what Estimate reads would be gone")
	}
	s, err := begin(ctx, &job)
	if err != nil {
		return Quote{}, Report{}, err
	}
	var q Quote
	report, err := s.end(ctx, s.ingest(ctx, func(ctx context.Context) (err error) {
		q, err = s.quote(ctx, others)
		return err
	}))
	<-s.callbacks.done()
	return q, report, err
}

// quote says what the rows may cost that wait.
func (e *engine) quote(ctx context.Context, others []*Dir) (q Quote, err error) {
	count := &quoting{engine: e, routes: make(map[int]*quoted), late: make(map[jobdir.Route]*estimate), answers: newQuotedAnswers(e.batches.routes, e.cache)}
	defer func() { err = errors.Join(err, count.answers.close()) }()
	for _, other := range others {
		if err := count.answers.lookInto(other); err != nil {
			return q, err
		}
	}
	for row, err := range e.batches.ready.Waiting() {
		switch {
		case err != nil:
			return q, e.IfDamaged(jobdir.ReadyDir, err)
		case ctx.Err() != nil:
			return q, context.Cause(ctx)
		}
		if err := count.add(row); err != nil {
			return q, err
		}
	}
	return count.result()
}
