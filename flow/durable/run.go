package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/accumulator"
	"github.com/balerhq/baler/flow"
	"github.com/balerhq/baler/queue"
)

// Run does the job, or what is left of it, and returns when every item has its
// result, ctx is done, or somebody has to act. In the latter cases the job can
// be run again, and goes on.
//
// The error is an *InputError for an item that cannot be used, a
// *MismatchError for a directory of another job, the cause of a done ctx, or
// what the provider, the store or the output said; errors of class
// retry.Blocked need a person. The Report is filled in any case.
func Run[T any](ctx context.Context, job Job[T]) (Report, error) {
	if err := job.validate(); err != nil {
		return Report{}, err
	}
	started := time.Now()
	source := &reader[T]{job: &job}
	e, err := resume(ctx, job.config(), source)
	if err != nil {
		return Report{}, err
	}
	cached := e.tally.progress().Settled()
	err = advise(e.run(ctx, source))
	report := Report{
		Progress: e.tally.progress(), Cached: cached,
		Elapsed: time.Since(started), Finished: e.finished(),
	}
	e.surprises.report(&report)
	return report, errors.Join(err, e.close())
}

// resume opens the job and takes the source to where it was left. A job that
// can begin anew does so if the source is no longer what it was.
func resume(ctx context.Context, c config, source rows) (*engine, error) {
	e, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	err = source.resume(e.source.value.Checkpoint)
	if err == nil {
		return e, nil
	}
	if !e.readAll || e.ended() {
		return nil, errors.Join(err, e.close())
	}
	if err := errors.Join(e.close(), anew(ctx, &c)); err != nil {
		return nil, err
	}
	return open(ctx, c)
}

// run reads the source, drives open batches and makes new ones, until nothing
// is left or something fails.
func (e *engine) run(ctx context.Context, source rows) error {
	if e.finished() {
		return nil
	}
	if err := e.provider.Check(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	e.drivers = g
	defer e.polls.start(ctx)()
	for _, in := range e.open {
		e.spawn(ctx, in)
	}
	g.Go(func() error { return e.ingest(ctx, source) })
	g.Go(func() error { return e.rounds(ctx) })
	return g.Wait()
}

// rounds makes batches of what is ready, as often as something is.
func (e *engine) rounds(ctx context.Context) error {
	for {
		more, err := e.await(ctx)
		if err != nil || !more {
			return err
		}
		if err := e.round(ctx); err != nil {
			return err
		}
	}
}

// round makes batches until the source has ended and nothing is ready. What
// the accumulator still holds then leaves with it.
func (e *engine) round(ctx context.Context) error {
	p := flow.New(ctx)
	ready := flow.FromFunc(p, e.load, flow.Name("load"))
	urgent := flow.Via(p, ready, queue.By(entry.priority, queue.Config{Capacity: loadChunk}))
	batches := flow.Via(p, urgent, accumulator.By(entry.laneKey, e.batch).WeighBy(entry.weight))
	flow.To(p, batches, func(step context.Context, b accumulator.Batch[entry]) error {
		return e.buy(step, ctx, b)
	}, flow.Name("buy"))
	if err := p.Wait(); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// await returns true when a round is worth its while: something is ready, and
// it is not just a few items that go again while open batches may yet add more.
func (e *engine) await(ctx context.Context) (more bool, err error) {
	linger, lingers := time.NewTimer(e.batch.MaxWait), false
	linger.Stop() // until something is ready that may wait
	defer linger.Stop()
	for {
		ended, open := e.ended(), e.inFlight()
		switch ready := e.ready.any(); {
		case e.readAll && !ended:
		case ready && (open == 0 || !ended):
			return true, nil
		case ready && !lingers:
			lingers = true
			linger.Reset(e.batch.MaxWait)
		case !ready && ended && open == 0:
			return false, nil
		}
		select {
		case <-e.changed:
		case <-linger.C:
			return true, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}
