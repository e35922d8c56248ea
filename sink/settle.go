package sink

import (
	"cmp"
	"context"

	"github.com/balerhq/baler/retry"
)

// chunk is how many results are sent at a time.
const chunk = 256

// settle sends a lot, and what failed but may succeed again, until every item
// has its result. Its error holds for the items that have none.
func (r *run[T]) settle(ctx context.Context, l *lot[T]) error {
	for n := 1; ; n++ {
		d := delivery[T]{run: r, ctx: ctx, model: l.model, entries: l.entries}
		err := r.courier.carry(ctx, l.route, l.bodies(), d.take)
		if err == nil {
			err = r.send(ctx, d.ready)
		}
		if l.entries = d.again; err != nil || len(l.entries) == 0 {
			return err
		}
		if err := sleep(ctx, r.courier.delay(n, nil)); err != nil {
			return err
		}
	}
}

func (l *lot[T]) bodies() []Row {
	rows := make([]Row, len(l.entries))
	for i := range l.entries {
		rows[i].Body = l.entries[i].body
	}
	return rows
}

// delivery makes results of the outcomes of one batch.
type delivery[T any] struct {
	run     *run[T]
	ctx     context.Context // of the one call that it is made for
	model   string
	entries []entry[T]
	again   []entry[T]
	ready   []Result[T]
}

func (d *delivery[T]) take(batch string, row int, o *Outcome) error {
	e := d.entries[row]
	e.attempts++
	if o.Err != nil && o.Err.Class == retry.Retryable && e.attempts < d.run.courier.cfg.Attempts {
		d.again = append(d.again, e)
		return nil
	}
	answer := ReadAnswer(o, d.run.codec)
	answer.Batch, answer.Attempts = batch, e.attempts
	answer.Model = cmp.Or(answer.Model, d.model)
	if d.ready = append(d.ready, Result[T]{Item: e.item, Answer: answer}); len(d.ready) < chunk {
		return nil
	}
	full := d.ready
	d.ready = make([]Result[T], 0, chunk)
	return d.run.send(d.ctx, full)
}
