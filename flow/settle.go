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
	var again []*flight[In]
	for _, result := range a.results {
		fl, final, err := r.settle(a.lane, result)
		if err != nil {
			return err
		}
		if final {
			done = append(done, Routed[Out]{Result: result, Lane: r.lanes[a.lane].Name, Tried: fl.tried})
		} else {
			fl.tried = append(fl.tried, r.lanes[a.lane].Name)
			again = append(again, fl)
		}
	}
	if err := r.assign(ctx, again); err != nil {
		return err
	}
	if err := Send(ctx, r.out, done); err != nil {
		return err
	}
	if r.lanes[a.lane].Limit == 0 {
		return nil // nothing has changed for those who wait
	}
	return r.retry(ctx)
}

// settle decides what a result means for its item: it is final, or the item goes to another lane.
func (r *routing[In, Out]) settle(lane int, result Out) (fl *flight[In], final bool, err error) {
	book := &r.table.books[lane]
	fl = r.flights.remove(r.of(result), lane)
	if fl == nil {
		return nil, false, fmt.Errorf("flow: lane %q, key %q: %w", book.state.Name, r.of(result), ErrLane)
	}
	now := time.Now()
	book.answered(fl.cost, now.Sub(fl.began))
	if !r.c.Failed(result) {
		return fl, true, nil
	}
	book.until = now.Add(r.c.Penalty)
	return fl, len(fl.tried)+1 == len(r.lanes), nil
}

// retry assigns the waiting items anew.
func (r *routing[In, Out]) retry(ctx context.Context) error {
	waiting := r.waiting
	r.waiting, r.fresh = nil, 0
	return r.assign(ctx, waiting)
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
