package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/ratelimit"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// buyer uploads batches and creates them.
type buyer struct {
	*config
	gate       *gate
	clock      *clock
	notices    *notices
	calls      *calls
	batches    *batches
	refusals   *refusals
	blockage   *blockage
	cleaner    *cleaner
	finder     *finder
	pollStates *pollStates
	guard      *guard

	limiter *ratelimit.Limiter // of creations
	paced   paced
	waiting roomWaits
	slots   slots // one per open batch
}

// upload may be repeated: an unused file at the provider expires.
func (b *buyer) upload(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	in, ok, err := b.refusals.fits(ctx, in)
	if err != nil || !ok {
		return in, err
	}
	if err := b.awaitRoute(ctx, in); err != nil {
		return in, err
	}
	file, err := withTransferSlot(ctx, b.calls, func() (string, error) {
		if b.batches.serviceOf(in).blocked() != nil {
			return "", errBlocked
		}
		if err := b.batches.stored.store(ctx, in); err != nil {
			return "", err
		}
		rows := b.batches.payload(in)
		defer rows.close() // of a temporary file
		spec := b.batches.spec(in)
		spec.New = b.batches.unsent.take(in.Tag)
		return b.batches.serviceOf(in).Upload(ctx, spec, rows.all)
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case errors.Is(err, errBlocked), errors.Is(err, errEncode), errors.Is(err, ErrNoFileStore):
		return in, err
	case retry.ClassOf(err) == retry.Blocked:
		return in, b.blockage.block(ctx, in, err)
	case errors.Is(err, sink.ErrTooLarge):
		return b.refusals.split(ctx, in, err)
	case errors.Is(err, sink.ErrStorageFull):
		return in, b.awaitStorage(ctx, in, err)
	case refuses(ctx, err):
		return b.refusals.refuse(ctx, in, fmt.Errorf("upload: %w", err))
	case err != nil:
		return in, b.calls.backOff(ctx, b.batches.serviceOf(in), in, "upload", in.Creates, err)
	}
	b.notices.clear(NoticeStorage, storageFull)
	return b.batches.advance(ctx, in, intent.UploadDone{Account: b.batches.serviceOf(in).info.Account, File: file})
}

// create sends the one request that costs money. Before the request leaves, the
// journal records that it is about to.
func (b *buyer) create(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.Account != b.batches.serviceOf(in).info.Account {
		return b.upload(ctx, in) // another account cannot see the file
	}
	in, ok, err := b.refusals.fits(ctx, in)
	if err != nil || !ok {
		return in, err
	}
	if err := b.awaitRoute(ctx, in); err != nil {
		return in, err
	}
	wanted, stop := b.untilNotWanted(ctx, in)
	defer stop()
	if !b.isLive(in) { // which is created on this machine, at any pace
		if err := b.awaitCreation(wanted); err != nil {
			return in, err
		}
	}
	if b.batches.routes.isOut(in.Route) {
		return in, errBlocked
	}
	in, refusal, err := b.send(ctx, in, false)
	switch {
	case err != nil:
		return in, err
	case refusal != nil && ctx.Err() != nil:
		return in, context.Cause(ctx)
	case errors.Is(refusal, errEncode):
		return in, refusal
	case retry.ClassOf(refusal) == retry.Blocked:
		return in, b.blockage.block(ctx, in, refusal)
	case errors.Is(refusal, sink.ErrTooLarge):
		return b.refusals.split(ctx, in, refusal)
	case refuses(ctx, refusal):
		return b.refusals.refuse(ctx, in, fmt.Errorf("create: %w", refusal))
	case passes(refusal):
		return b.refusals.putOff(ctx, in, refusal)
	case refusal != nil:
		return in, b.calls.backOff(ctx, b.batches.serviceOf(in), in, "create", in.Creates, refusal)
	}
	return in, nil
}

func (b *buyer) isLive(in intent.Intent) bool { return b.batches.serviceOf(in).info.Live }

// send makes one attempt and records the answer. A refusal means that it has
// made no batch.
func (b *buyer) send(ctx context.Context, in intent.Intent, repeats bool) (_ intent.Intent, refusal, err error) {
	lane := b.batches.creations.lane(in, b.batches.serviceOf(in).info)
	since, err := lane.enter(ctx)
	if err != nil {
		return in, nil, err
	}
	defer lane.leave()
	if !repeats && !b.gate.running() { // it waits before it takes room again
		b.rooms.leave(in.Tag)
		return in, nil, nil
	}
	if err := b.gate.enter(ctx); err != nil {
		return in, nil, err
	}
	defer b.gate.leave()
	if ctx.Err() != nil {
		return in, nil, context.Cause(ctx)
	}
	now := b.clock.now()
	sent, err := b.batches.advance(ctx, in, intent.Sending{
		Account: b.batches.serviceOf(in).info.Account, Now: now, Deadline: now.Add(b.createTime(in)), Repeats: repeats,
	})
	if err != nil {
		return in, nil, err
	}
	v := b.pollStates.begin(in.Tag)
	batch, class, refusal := b.buyAt(ctx, sent)
	if class == 0 {
		lane.taken(since)
	} else {
		lane.denied()
	}
	switch class {
	case 0:
		in, err = b.batches.advance(ctx, sent, intent.Created{Batch: batch})
		return in, nil, err
	case retry.Ambiguous:
		b.log.WarnContext(ctx, "creation unclear, looking for the batch", "tag", in.Tag, "error", refusal)
		v.doubt = time.Now()
		if in, err = b.batches.advance(ctx, sent, intent.Unclear{Now: b.clock.now()}); err == nil {
			b.finder.raiseUnclear(ctx, in, refusal.Error())
		}
		return in, nil, err
	case retry.Retryable, retry.Permanent, retry.Blocked:
	}
	in, err = b.batches.advance(ctx, sent, intent.NotCreated{})
	return in, refusal, err
}
