package durable

import (
	"context"
	"errors"

	"github.com/gofrs/flock"
)

// Run does the job, or the rest of it. It returns when every item has its
// result, when ctx is done, or when a person has to act. In the latter two
// cases the job can be run again and continues. The end of ctx detaches from
// the bought batches and cancels nothing.
//
// The error is an *InputError for an item that cannot be used, a *MismatchError
// for a directory of another job, a *CancelledError for a run that was
// cancelled, an *UndecidedError for a run with rows that a person has to decide
// about, ErrRunning, the cause of a done ctx, or an error of the provider, the
// store or the output. Errors of class retry.Blocked need a person. The Report
// is filled in any case.
func Run[T any](ctx context.Context, job Job[T]) (Report, error) {
	h, err := Start(ctx, job)
	if err != nil {
		return Report{}, err
	}
	<-h.own.done // it ends with ctx by itself
	<-h.own.callbacks.done()
	return h.own.report, h.own.err
}

// Start starts what Run does and returns a handle of it. The caller must call
// Wait, until it returns, before the Output is closed.
func Start[T any](ctx context.Context, job Job[T]) (*Handle, error) {
	s, err := begin(ctx, &job)
	if err != nil {
		return nil, err
	}
	own := &process{wake: s.controller.wake, callbacks: s.callbacks, position: s.batches.position, done: make(chan struct{})}
	go func() {
		defer close(own.done)
		own.report, own.err = s.end(ctx, s.run(ctx, s.input))
		own.last = s.last
	}()
	return &Handle{name: s.name, dir: s.dir, own: own}, nil
}

// Ingest does the part of Run that costs nothing: it reads the source to its
// end and keeps the items. Run then continues from there. Batches that were
// bought already are left to Run.
//
// It shows whether the input can be used. If the state directory was lost, call
// it before Dir.Adopt. The error is one of those that Run returns.
func Ingest[T any](ctx context.Context, job Job[T]) (Report, error) {
	if job.Dir == nil {
		return Report{}, errors.New("durable: Job.Dir is missing: what Ingest reads would be gone")
	}
	s, err := begin(ctx, &job)
	if err != nil {
		return Report{}, err
	}
	report, err := s.end(ctx, s.ingest(ctx, nil))
	<-s.callbacks.done()
	return report, err
}

// ingest reads the source, unless the run is cancelled, and then does something
// with what was read, unless that is nil. Meanwhile the controller watches the
// control file.
func (s *session) ingest(ctx context.Context, then func(context.Context) error) error {
	if err := s.controller.cancellation(); err != nil {
		return err
	}
	err := during(ctx, func(ctx context.Context) error {
		wanted, stop := s.gate.untilCancelled(ctx)
		defer stop()
		if err := s.intake.ingest(wanted, s.input); err != nil || then == nil {
			return err
		}
		return then(ctx)
	}, s.controller.watch)
	if errors.Is(err, errCancelled) {
		return s.controller.cancellation()
	}
	return err
}

// session is a job that this process has open, so that no other process can run
// it.
type session struct {
	*engine
	input   rows
	lock    *flock.Flock
	home    *Dir
	last    Status       // of a run whose directory is gone
	release func() error // of the index
}

func begin[T any](ctx context.Context, job *Job[T]) (*session, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	c := job.config()
	if err := c.mustKnowPrices(); err != nil {
		return nil, err
	}
	s, err := c.beginIn(ctx, job.Dir, &reader[T]{job: job, requests: requests{config: &c}})
	if err != nil {
		<-c.callbacks.done()
	}
	return s, err
}

// beginIn holds the index of the directory and begins.
func (c *config) beginIn(ctx context.Context, dir *Dir, input rows) (*session, error) {
	if dir == nil {
		var err error
		if dir, err = temporaryDir(); err != nil {
			return nil, err
		}
	}
	store, release, err := dir.hold()
	if err != nil {
		return nil, errors.Join(err, dir.remove())
	}
	c.use(store)
	c.rooms = dir.roomsOf(ctx, c.log)
	s, err := c.begin(ctx, input)
	if err != nil {
		return nil, errors.Join(err, release(), dir.remove())
	}
	s.home, s.release = dir, release
	return s, nil
}

// begin locks the job for this process and opens it.
func (c config) begin(ctx context.Context, input rows) (*session, error) {
	lock, err := c.dir.Begin(c.store.Root())
	if err != nil {
		return nil, err
	}
	c.keepLabels()
	if err := c.mustOwnOutput(); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	if c.fresh {
		if err := c.beginFresh(ctx); err != nil {
			return nil, errors.Join(err, lock.Unlock())
		}
	}
	if c.appends {
		if err := c.reopen(ctx, input); err != nil {
			return nil, errors.Join(err, lock.Unlock())
		}
	}
	e, err := resume(ctx, c, input)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	if err := errors.Join(e.ledger.give(ctx), e.controller.publish("")); err != nil {
		return nil, errors.Join(err, e.close(), lock.Unlock())
	}
	return &session{engine: e, input: input, lock: lock}, nil
}

// end publishes how the run ended and lets other processes run the job. It does
// not wait for callbacks, because a callback may wait for the end of the run.
func (s *session) end(ctx context.Context, err error) (Report, error) {
	s.blockage.raiseBlocked(ctx, err)
	err = explainBlocked(err)
	gone := s.home.temporary && !s.needed()
	if s.home.temporary && !gone {
		err = s.keep(ctx, err)
	}
	err = errors.Join(err, s.controller.finish(err), s.close(), s.lock.Unlock(), s.release())
	if gone {
		last, _, statusErr := readStatus(s.dir)
		s.last = last.Status
		err = errors.Join(err, statusErr, s.home.remove())
	}
	return s.controller.report(), err
}

// resume opens the job and moves the source to its checkpoint. If the source
// has changed, a job that can begin anew does so.
func resume(ctx context.Context, c config, source rows) (*engine, error) {
	e, err := open(ctx, c)
	if err != nil {
		return nil, err
	}
	if e.gate.cancelled() {
		return e, nil // it is not read any more
	}
	err = source.resume(e.intake.source.Value.Checkpoint, e.intake.source.Value.First)
	if err == nil {
		return e, nil
	}
	if !e.readAll || e.progress.ended() || e.intake.source.Value.Earlier != nil {
		return nil, errors.Join(err, e.close())
	}
	if err := errors.Join(e.close(), beginNewEpoch(ctx, &c)); err != nil {
		return nil, err
	}
	return open(ctx, c)
}
