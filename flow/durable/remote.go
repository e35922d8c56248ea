package durable

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

const maxPoll = 5 * time.Minute

func (e *engine) spec(in intent.Intent) sink.Spec {
	l := e.lanes.get(in.Lane)
	return sink.Spec{Tag: in.Tag, Endpoint: l.Endpoint, Model: l.Model}
}

func handle(in intent.Intent) sink.Handle { return sink.Handle{Batch: in.Batch, File: in.File} }

// upload may be repeated: what is left over at the provider expires.
func (e *engine) upload(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	file, err := heavily(ctx, e, func() (string, error) {
		return e.provider.Upload(ctx, e.spec(in), e.payload(in.Tag))
	})
	if err != nil {
		return in, e.hold(ctx, in, "upload", in.Creates, err)
	}
	return e.advance(ctx, in, intent.UploadDone{Account: e.provider.Account(), File: file})
}

// heavily does what moves a whole batch over the wire, a few at a time.
func heavily[V any](ctx context.Context, e *engine, do func() (V, error)) (v V, err error) {
	if err := acquire(ctx, e.heavy); err != nil {
		return v, err
	}
	defer func() { <-e.heavy }()
	return do()
}

// create sends the one request that costs money. That it is about to leave is
// durable before it does.
func (e *engine) create(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.Account != e.provider.Account() {
		return e.upload(ctx, in) // another account cannot see the file
	}
	if err := e.limiter.Wait(ctx, ratelimit.Cost{Requests: 1}); err != nil {
		return in, err
	}
	in, err := e.send(ctx, in)
	if err == nil && in.State == intent.Submitted {
		e.tally.update(func(p *Progress) { p.Batches++ })
	}
	return in, err
}

func (e *engine) send(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if err := acquire(ctx, e.creating); err != nil {
		return in, err
	}
	defer func() { <-e.creating }()
	now := time.Now()
	sent, err := e.advance(ctx, in, intent.Sending{
		Account: e.provider.Account(), Now: now, Deadline: now.Add(createDeadline),
	})
	if err != nil {
		return in, err
	}
	call, cancel := context.WithDeadline(ctx, sent.Deadline)
	defer cancel()
	batch, err := e.provider.Create(call, e.spec(in), in.File, e.payload(in.Tag))
	switch retry.ClassOf(err) {
	case 0:
		return e.advance(ctx, sent, intent.Created{Batch: batch})
	case retry.Ambiguous:
		e.log.WarnContext(ctx, "creation unclear, looking for the batch", "tag", in.Tag, "error", err)
		return e.advance(ctx, sent, intent.Unclear{Now: time.Now()})
	case retry.Retryable, retry.Permanent, retry.Blocked:
	}
	back, failed := e.advance(ctx, sent, intent.NotCreated{})
	if failed != nil {
		return sent, failed
	}
	return back, e.hold(ctx, back, "create", back.Creates, err)
}

// poll waits until the batch has ended. An error says nothing about its rows.
func (e *engine) poll(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if err := e.sameAccount(in); err != nil {
		return in, err
	}
	if err := sleep(ctx, e.interval(time.Since(in.SentAt))); err != nil {
		return in, err
	}
	if in.InDoubt() { // a second one should be found while it is cheap
		listed, err := e.list(ctx, in)
		if err != nil {
			return in, e.hold(ctx, in, "find", 0, err)
		}
		if in, err = e.advance(ctx, in, listed); err != nil || in.Next() != intent.Poll {
			return in, err
		}
	}
	s, err := e.provider.Status(ctx, handle(in))
	switch {
	case err != nil:
		return in, e.hold(ctx, in, "poll", 0, err)
	case !s.Ended:
		return in, nil
	case s.Err == nil:
		return e.advance(ctx, in, intent.BatchEnded{})
	}
	reason := intent.Reason{Class: s.Err.Class.String(), Code: s.Err.Code, Message: s.Err.Message}
	e.log.WarnContext(ctx, "batch refused", "tag", in.Tag, "batch", in.Batch, "code", reason.Code)
	if s.Err.Class == retry.Permanent {
		return e.advance(ctx, in, intent.BatchEnded{Reason: &reason})
	}
	return e.advance(ctx, in, intent.Refused{Reason: reason})
}

// interval grows with the age of a batch and is spread by a tenth.
func (e *engine) interval(age time.Duration) time.Duration {
	d := min(max(e.config.poll, age/20), max(e.config.poll, maxPoll))
	return d - time.Duration(rand.Int64N(int64(d)/10+1)) //nolint:gosec // jitter
}

// clean deletes what the provider keeps of a settled batch.
func (e *engine) clean(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if !e.keepRemote {
		if err := e.provider.Remove(ctx, handle(in)); err != nil {
			e.log.WarnContext(ctx, "files left at the provider", "batch", in.Batch, "error", err)
		}
	}
	return e.advance(ctx, in, intent.CleanDone{})
}

// hold waits after a failed call, or returns the error if waiting is no use.
func (e *engine) hold(ctx context.Context, in intent.Intent, call string, attempts int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch retry.ClassOf(err) {
	case retry.Blocked, retry.Permanent:
		return fmt.Errorf("durable: batch %s: %w", in.Tag, err)
	case retry.Retryable, retry.Ambiguous:
	}
	d := max(e.interval(0)<<min(attempts, 8), retry.After(err))
	e.log.WarnContext(ctx, "trying again", "tag", in.Tag, "call", call, "in", d, "error", err)
	return sleep(ctx, d)
}
