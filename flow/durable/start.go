package durable

import (
	"context"
	"errors"
)

// Run does the job, or what is left of it, and returns when every item has its
// result, ctx is done, or somebody has to act. In the latter cases the job can
// be run again, and goes on: the end of ctx detaches from what is bought and
// cancels nothing.
//
// The error is an *InputError for an item that cannot be used, a
// *MismatchError for a directory of another job, a *CancelledError for a run
// that was cancelled, ErrRunning, the cause of a done ctx, or what the provider,
// the store or the output said; errors of class retry.Blocked need a person. The
// Report is filled in any case.
func Run[T any](ctx context.Context, job Job[T]) (Report, error) {
	h, err := Start(ctx, job)
	if err != nil {
		return Report{}, err
	}
	return h.Wait(context.WithoutCancel(ctx)) // it ends with ctx by itself
}

// Start begins what Run does and returns a handle of it. The caller must call
// Wait, until it returns, before the Store or the Output is closed.
func Start[T any](ctx context.Context, job Job[T]) (*Handle, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	c := job.config()
	lock, err := c.dir.begin(c.store.Root())
	if err != nil {
		return nil, err
	}
	source := &reader[T]{job: &job}
	e, err := resume(ctx, c, source)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	if err := e.publish(""); err != nil {
		return nil, errors.Join(err, e.close(), lock.Unlock())
	}
	own := &process{poke: e.poke, done: make(chan struct{})}
	go func() {
		defer close(own.done)
		err := advise(e.run(ctx, source))
		err = errors.Join(err, e.finish(err), e.close(), lock.Unlock())
		own.report, own.err = e.report(), err
	}()
	return &Handle{name: c.name, dir: c.dir, own: own}, nil
}

// resume opens the job and takes the source to where it was left. A job that
// can begin anew does so if the source is no longer what it was.
func resume(ctx context.Context, c config, source rows) (*engine, error) {
	e, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	if e.gate.cancelled() {
		return e, nil // it is not read any more
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
