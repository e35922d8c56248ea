package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func (e *engine) spec(in intent.Intent) sink.Spec {
	l := e.lanes.get(in.Route)
	return sink.Spec{Tag: in.Tag, Endpoint: l.Endpoint, Model: l.Model}
}

func handle(in intent.Intent) sink.Handle { return sink.Handle{Batch: in.Batch, File: in.File} }

// upload may be repeated: what is left over at the provider expires.
func (e *engine) upload(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	in, ok, err := e.fits(ctx, in)
	if err != nil || !ok {
		return in, err
	}
	if err := e.awaitLane(ctx, in); err != nil {
		return in, err
	}
	file, err := heavily(ctx, e, func() (string, error) {
		if e.gate.blocked() != nil {
			return "", errBlocked
		}
		return e.provider.Upload(ctx, e.spec(in), e.payload(in.Tag))
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case errors.Is(err, errBlocked):
		return in, err
	case retry.ClassOf(err) == retry.Blocked:
		return in, e.block(ctx, in, err)
	case errors.Is(err, sink.ErrTooLarge):
		return e.split(ctx, in, err)
	case errors.Is(err, sink.ErrStorageFull):
		return in, e.awaitStorage(ctx, in, err)
	case refuses(ctx, err):
		return e.refuse(ctx, in, fmt.Errorf("upload: %w", err))
	case err != nil:
		return in, e.hold(ctx, in, "upload", in.Creates, err)
	}
	e.untell(NoticeStorage, storageFull)
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
	in, ok, err := e.fits(ctx, in)
	if err != nil || !ok {
		return in, err
	}
	if err := e.awaitLane(ctx, in); err != nil {
		return in, err
	}
	wanted, stop := e.gate.whileWanted(ctx)
	defer stop()
	if err := e.awaitCreation(wanted); err != nil {
		return in, err
	}
	in, refusal, err := e.send(ctx, in)
	switch {
	case err != nil:
		return in, err
	case refusal != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case retry.ClassOf(refusal) == retry.Blocked:
		return in, e.block(ctx, in, refusal)
	case errors.Is(refusal, sink.ErrTooLarge):
		return e.split(ctx, in, refusal)
	case refuses(ctx, refusal):
		return e.refuse(ctx, in, fmt.Errorf("create: %w", refusal))
	case passes(refusal):
		return e.putOff(ctx, in, refusal)
	case refusal != nil:
		return in, e.hold(ctx, in, "create", in.Creates, refusal)
	}
	return in, nil
}

// send makes one attempt and records what was answered. A refusal says that the
// batch certainly does not exist.
func (e *engine) send(ctx context.Context, in intent.Intent) (_ intent.Intent, refusal, err error) {
	if err := acquire(ctx, e.creating); err != nil {
		return in, nil, err
	}
	defer func() { <-e.creating }()
	if err := e.gate.enter(ctx); err != nil {
		return in, nil, err
	}
	defer e.gate.leave()
	if ctx.Err() != nil {
		return in, nil, context.Cause(ctx)
	}
	now := e.now()
	sent, err := e.advance(ctx, in, intent.Sending{
		Account: e.provider.Account(), Now: now, Deadline: now.Add(createDeadline),
	})
	if err != nil {
		return in, nil, err
	}
	v := e.vigils.begin(in.Tag)
	batch, class, refusal := e.buyAt(ctx, sent)
	switch class {
	case 0:
		in, err = e.advance(ctx, sent, intent.Created{Batch: batch})
		return in, nil, err
	case retry.Ambiguous:
		e.log.WarnContext(ctx, "creation unclear, looking for the batch", "tag", in.Tag, "error", refusal)
		v.doubt = time.Now()
		if in, err = e.advance(ctx, sent, intent.Unclear{Now: e.now()}); err == nil {
			e.tellUnclear(ctx, in, refusal.Error())
		}
		return in, nil, err
	case retry.Retryable, retry.Permanent, retry.Blocked:
	}
	in, err = e.advance(ctx, sent, intent.NotCreated{})
	return in, refusal, err
}

// clean deletes what was uploaded for a settled batch. Its results stay at the
// provider, in case that the state directory is lost.
func (e *engine) clean(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	e.countWaste(ctx, in)
	gone, err := e.removeInput(ctx, in)
	if err != nil {
		return in, err
	}
	if in, err = e.advance(ctx, in, intent.CleanDone{FileGone: gone}); err == nil {
		e.kept.add(in, e.now(), e.resultSize(in.Tag))
	}
	return in, err
}
