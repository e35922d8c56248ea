package durable

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// Shift moves all times that a job has kept, as setting the clock by as much in
// the other direction does.
func Shift[T any](ctx context.Context, job Job[T], by time.Duration) (err error) {
	store, release, err := job.Dir.hold()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	c := job.config()
	c.use(store)
	e, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	for _, in := range e.open {
		if err := e.shift(ctx, in, by); err != nil {
			return err
		}
	}
	meta := jobdir.Record[jobdir.Meta]{Key: jobdir.MetaKey(job.Name)}
	if err := jobdir.Load(ctx, e.store, &meta); err != nil {
		return err
	}
	value := meta.Value
	value.Started = value.Started.Add(by)
	op, err := meta.Put(value)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}

func (e *engine) shift(ctx context.Context, in intent.Intent, by time.Duration) error {
	for _, t := range []*time.Time{&in.SentAt, &in.Deadline, &in.Since, &in.Again} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	in.Rev++
	if err := e.batches.journal.Append(jobdir.Line{Intent: &in}); err != nil {
		return err
	}
	op, err := e.batches.record(in)
	if err != nil {
		return err
	}
	return e.store.Commit(ctx, op)
}
