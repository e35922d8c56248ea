package sink

import (
	"cmp"
	"context"
	"errors"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

// chunk is how many results are sent at a time.
const chunk = 256

// settle sends a lot, and what failed but may succeed again, until every item
// has its result. Its error holds for the items that have none.
func (r *run[T]) settle(ctx context.Context, l *lot[T]) error {
	todo := []*lot[T]{l}
	for n := 0; len(todo) > 0; {
		l, todo = todo[0], todo[1:]
		if l.again {
			n++
			if err := purchase.Sleep(ctx, r.buyer.delay(n, nil)); err != nil {
				return err
			}
		}
		d := delivery[T]{run: r, ctx: ctx, lot: l}
		err := r.buyer.carry(ctx, l.route, l.bodies(), d.take)
		if errors.Is(err, errLarge) {
			todo = append(r.halve(l), todo...)
			err = nil
		}
		// What came is delivered, also if the rest cannot be had now.
		if err := cmp.Or(err, r.send(ctx, d.ready)); err != nil {
			return err
		}
		if len(d.again) > 0 {
			todo = append(todo, &lot[T]{route: l.route, entries: d.again, again: true})
		}
	}
	return nil
}

// delivery makes results of the outcomes of one batch.
type delivery[T any] struct {
	run   *run[T]
	ctx   context.Context // of the one call that it is made for
	lot   *lot[T]
	again []entry[T]
	ready []Result[T]
}

func (d *delivery[T]) take(in intent.Intent, row int, o *Outcome) error {
	e := d.lot.entries[row]
	e.attempts++
	unsent := in.Refused() // other rows are at fault and fail, so the retries have an end
	if !unsent {
		e.sent++
	}
	if o.Err != nil && o.Err.Class == retry.Retryable && (unsent || e.sent < d.run.buyer.cfg.Attempts) {
		d.again = append(d.again, e)
		return nil
	}
	answer := ReadAnswer(o, d.run.codec)
	answer.Batch, answer.Attempts = in.Batch, e.attempts
	answer.Model = cmp.Or(answer.Model, d.lot.model)
	if d.ready = append(d.ready, Result[T]{Item: e.item, Answer: answer}); len(d.ready) < chunk {
		return nil
	}
	full := d.ready
	d.ready = make([]Result[T], 0, chunk)
	return d.run.send(d.ctx, full)
}
