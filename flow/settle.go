package flow

import (
	"context"
	"fmt"
	"time"
)

// handle takes in what a lane says.
func (r *routing[In, Out]) handle(ctx context.Context, a answer[Out]) error {
	if a.over {
		return r.restart(ctx, a.lane)
	}
	var done []Routed[Out]
	for _, result := range a.results {
		routed, ok, err := r.settle(ctx, a.lane, result)
		if err != nil {
			return err
		}
		if ok {
			done = append(done, routed)
		}
	}
	if err := Send(ctx, r.out, done); err != nil {
		return err
	}
	if r.lanes[a.lane].Limit == 0 {
		return nil // nothing has changed for those who wait
	}
	return r.retry(ctx)
}

// settle decides what a result means: it is final, or its item goes to another lane.
func (r *routing[In, Out]) settle(ctx context.Context, lane int, result Out) (routed Routed[Out], ok bool, err error) {
	book := &r.table.books[lane]
	fl := r.flights.remove(r.of(result), lane)
	if fl == nil {
		return routed, false, fmt.Errorf("flow: lane %q, key %q: %w", book.state.Name, r.of(result), ErrLane)
	}
	now := time.Now()
	book.answered(fl.cost, now.Sub(fl.began))
	if !r.c.Failed(result) {
		return Routed[Out]{Result: result, Lane: book.state.Name, Tried: fl.tried}, true, nil
	}
	book.until = now.Add(r.c.Penalty)
	if len(fl.tried)+1 == len(r.lanes) {
		return Routed[Out]{Result: result, Lane: book.state.Name, Tried: fl.tried}, true, nil
	}
	fl.tried = append(fl.tried, book.state.Name)
	return routed, false, r.assign(ctx, fl)
}

// retry assigns the waiting items anew.
func (r *routing[In, Out]) retry(ctx context.Context) error {
	waiting := r.waiting
	r.waiting, r.fresh = nil, 0
	for _, fl := range waiting {
		if err := r.assign(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}

// restart notes that a run of a lane is over, and starts the next one if items have gathered for it.
func (r *routing[In, Out]) restart(ctx context.Context, lane int) error {
	r.running[lane] = nil
	items := r.later[lane]
	r.later[lane] = nil
	if unanswered := r.table.books[lane].state.InFlight - len(items); unanswered > 0 {
		return fmt.Errorf("flow: lane %q ended with %d items in flight: %w", r.lanes[lane].Name, unanswered, ErrLane)
	}
	for _, fl := range items {
		if err := r.deliver(ctx, fl); err != nil {
			return err
		}
	}
	return nil
}
