package router

import (
	"context"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow"
)

// handle takes in what a route says.
func (r *routing[In, Out]) handle(ctx context.Context, a answer[Out]) error {
	if a.over {
		return r.restart(ctx, a.route)
	}
	var done []Routed[Out]
	var again []*inFlight[In]
	for _, result := range a.results {
		fl, final, err := r.settle(a.route, result)
		if err != nil {
			return err
		}
		if final {
			done = append(done, Routed[Out]{Result: result, Route: r.routes[a.route].Name, Tried: fl.tried})
		} else {
			fl.tried = append(fl.tried, r.routes[a.route].Name)
			again = append(again, fl)
		}
	}
	if err := r.assign(ctx, again); err != nil {
		return err
	}
	if err := flow.Send(ctx, r.out, done); err != nil {
		return err
	}
	if r.routes[a.route].Limit == 0 {
		return nil // nothing has changed for those who wait
	}
	return r.retry(ctx)
}

// settle decides what a result means for its item: it is final, or the item
// goes to another route.
func (r *routing[In, Out]) settle(route int, result Out) (fl *inFlight[In], final bool, err error) {
	book := &r.table.books[route]
	fl = r.flights.remove(r.of(result), route)
	if fl == nil {
		return nil, false, fmt.Errorf("router: route %q, key %q: %w", book.state.Name, r.of(result), flow.ErrUnanswered)
	}
	now := time.Now()
	book.answered(fl.cost, now.Sub(fl.began))
	r.figures[route].answered.Add(1)
	if !r.c.Failed(result) {
		return fl, true, nil
	}
	r.figures[route].failed.Add(1)
	book.until = now.Add(r.c.Penalty)
	return fl, len(fl.tried)+1 == len(r.routes), nil
}

// retry assigns the waiting items anew.
func (r *routing[In, Out]) retry(ctx context.Context) error {
	waiting := r.waiting
	r.waiting, r.fresh = nil, 0
	r.Router.waiting.Add(-int64(len(waiting)))
	return r.assign(ctx, waiting)
}

// restart notes that a run of a route is over, and starts the next one if items
// have gathered for it.
func (r *routing[In, Out]) restart(ctx context.Context, route int) error {
	r.running[route] = nil
	items := r.later[route]
	r.later[route] = nil
	if unanswered := r.table.books[route].state.InFlight - len(items); unanswered > 0 {
		return fmt.Errorf("router: route %q ended with %d items in flight: %w", r.routes[route].Name, unanswered, flow.ErrUnanswered)
	}
	for _, fl := range items {
		if err := r.deliver(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}
