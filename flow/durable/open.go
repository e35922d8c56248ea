package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/durable/internal/rundir"
)

// open finds out the state of the job and repairs what a crash left half done.
func open(ctx context.Context, c config) (*engine, error) {
	e, err := newEngine(c) //nolint:contextcheck // the hooks of a retry.Guard get none
	if err != nil {
		return nil, err
	}
	if err := e.limitBatch(); err != nil {
		return nil, err
	}
	var job jobdir.Meta
	if e.Root, job, err = openJob(ctx, &e.config); err != nil {
		return nil, err
	}
	e.Keys, e.ID, e.Path = job.Keys(), job.ID, c.store.Path()
	if err := e.readWanted(job.Started); err != nil {
		return nil, errors.Join(err, e.Root.Close())
	}
	if err := e.recover(ctx, job); err != nil {
		return nil, errors.Join(err, e.abandon())
	}
	e.controller.publishFirst(e.open) //nolint:contextcheck // only the log would use it
	return e, nil
}

// readWanted reads the requested state and the decisions.
func (e *engine) readWanted(started time.Time) error {
	wanted, err := e.dir.Control()
	if err != nil {
		return err
	}
	made, err := e.dir.Decisions()
	if err != nil {
		return err
	}
	e.gate.set(State(wanted.Want), wanted.Rev)
	if wanted.Drain {
		e.gate.drain(errDrained)
	}
	e.controller.control, e.controller.applied = wanted, wanted.Rev
	var last snapshot
	if _, err := e.dir.Read(rundir.StatusFile, &last); err != nil {
		return err
	}
	e.controller.told = last.Told
	e.fetcher.decisions = newDecisions(made)
	e.ledger.instead = wanted.Budget.Instead()
	e.clock.began, e.clock.started = time.Now(), started
	if e.timeLimit > 0 {
		if e.clock.began.Before(started) { // the clock was set back
			started = e.clock.began
		}
		e.clock.expires = started.Add(e.timeLimit)
	}
	return nil
}

// abandon closes everything that was opened, even after a failure half way.
func (e *engine) abandon() error {
	e.rooms.close(e.Keys.Dir())
	errs := []error{e.Root.Close()}
	if e.batches.journal != nil {
		errs = append(errs, e.batches.journal.Close())
	}
	if e.batches.requests != nil {
		errs = append(errs, e.batches.requests.Close())
	}
	if e.batches.ready != nil {
		errs = append(errs, e.batches.ready.Close()...)
	}
	return errors.Join(errs...)
}

// limitBatch lowers the limits of a batch to those of the provider that takes
// the largest. Batches for others are cut when they are sealed, see routes.cut.
func (e *engine) limitBatch() error {
	widest := e.first().Limits("")
	for _, s := range e.services[1:] {
		l := s.Limits("")
		widest.Rows, widest.Bytes = wider(widest.Rows, l.Rows), wider(widest.Bytes, l.Bytes)
	}
	e.maxEnqueued = e.own[0].limits.Enqueued.Tokens
	for _, own := range e.own[1:] {
		e.maxEnqueued = wider(e.maxEnqueued, own.limits.Enqueued.Tokens)
	}
	e.batch.MaxItems = narrow(e.batch.MaxItems, widest.Rows)
	e.batch.MaxWeight = narrow(e.batch.MaxWeight, int(min(widest.Bytes, math.MaxInt)))
	e.batch.MaxKeys = cmp.Or(e.batch.MaxKeys, 64)
	if err := e.batch.Validate(); err != nil {
		return fmt.Errorf("durable: Job.Batch: %w", err)
	}
	return nil
}

// wider returns the larger of two limits, of which zero is none.
func wider[N int | int64](a, b N) N {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}
