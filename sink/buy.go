package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

func (d *driver) upload(ctx context.Context) error {
	file, err := d.provider.Upload(ctx, d.spec, d.rows.yield)
	d.spec.New = false
	switch {
	case err == nil:
		return d.advance(intent.UploadDone{Account: d.provider.Info().Account, File: file})
	case errors.Is(err, ErrTooLarge):
		return d.takeBack(ctx, err)
	}
	return d.backOff(ctx, "upload", err)
}

// create sends the one request that costs money.
func (d *driver) create(ctx context.Context) error {
	now, failures := d.now(), d.failures // a refusal of the next one counts on
	err := d.advance(intent.Sending{Account: d.provider.Info().Account, Now: now, Deadline: now.Add(d.createTime()), Repeats: d.State == intent.Unknown})
	if err != nil {
		return err
	}
	batch, class, refusal := d.send(ctx)
	switch class {
	case 0:
		d.renew()
		return d.advance(intent.Created{Batch: batch})
	case retry.Ambiguous:
		d.cfg.Log.WarnContext(ctx, "creation unclear, looking for the batch", "tag", d.Tag, "error", refusal)
		d.doubt, d.unclear = time.Now(), retry.Mark(fmt.Errorf("create: %w", refusal), retry.Ambiguous)
		d.renew()
		return d.advance(intent.Unclear{Now: d.now()})
	case retry.Retryable, retry.Permanent, retry.Blocked:
	}
	if err := d.advance(intent.NotCreated{}); err != nil {
		return err
	}
	d.failures = failures
	switch {
	case d.State == intent.Unknown && class != retry.Retryable: // the first request may have made a batch
		d.doubt, d.denied = time.Now(), true
		d.cfg.Log.WarnContext(ctx, "the creation is refused now, looking for the batch", "tag", d.Tag, "error", refusal)
		return nil
	case d.State == intent.Unknown:
		d.doubt = time.Now()
	case errors.Is(refusal, ErrTooLarge):
		return d.takeBack(ctx, refusal)
	case errors.Is(refusal, ErrFull), errors.Is(refusal, ErrNotYet), errors.Is(refusal, ErrFileGone):
		return d.putOff(ctx, refusal)
	}
	return d.backOff(ctx, "create", refusal)
}

// createTime is how long the creation may take.
func (d *driver) createTime() time.Duration {
	return purchase.CreateTime(d.File, d.provider.Limits(d.spec.Model).Bytes)
}

func (d *driver) send(ctx context.Context) (batch string, class retry.Class, err error) {
	call, stop := context.WithTimeout(ctx, d.createTime())
	defer stop()
	call, sent := retry.Watch(call)
	d.sent = time.Now()
	d.polled = d.sent
	batch, err = d.provider.Create(call, d.spec, d.File, d.rows.yield)
	return batch, purchase.CreationClass(call, sent.Bool(), err), err
}

// refused handles a batch that the provider has refused, so that none of its
// rows ran.
func (d *driver) refused(ctx context.Context, refusal *RowError) error {
	switch {
	case errors.Is(refusal, ErrTooLarge):
		return d.takeBack(ctx, refusal)
	case refusal.Class == retry.Permanent:
		return d.advance(intent.BatchEnded{Reason: reasonOf(refusal)})
	case refusal.Class == retry.Blocked:
		return refusal
	case refusal.Cause == nil && d.Refusals+1 >= d.cfg.Attempts: // nobody knows that it passes
		final := *refusal
		final.Class = retry.Permanent
		return d.advance(intent.BatchEnded{Reason: reasonOf(&final)})
	}
	return d.putOff(ctx, refusal)
}

// putOff lets a refused batch wait until it is created again. It has as much
// time to be accepted as one that runs has to end.
func (d *driver) putOff(ctx context.Context, refusal error) error {
	anew := errors.Is(refusal, ErrFileGone)
	if !anew && errors.Is(refusal, ErrNotYet) && purchase.UploadSuspect(d.Refusals) {
		anew = d.forgetUpload(ctx)
	}
	wait := max(d.delay(d.Refusals+1, refusal), d.cfg.Poll)
	d.cfg.Log.InfoContext(ctx, "batch put off", "batch", d.Batch, "tag", d.Tag, "reason", rowErrorOf(refusal).Code)
	reason := *reasonOf(rowErrorOf(refusal))
	if err := d.advance(intent.PutOff{Reason: reason, Again: d.now().Add(wait), Upload: anew}); err != nil {
		return err
	}
	d.until = d.lastCreation
	return d.pause(ctx, wait, refusal)
}

// forgetUpload deletes an upload that would otherwise be found and used again.
func (d *driver) forgetUpload(ctx context.Context) (done bool) {
	err := d.provider.Remove(ctx, Handle{File: d.File})
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "upload left at the provider", "tag", d.Tag, "error", err)
	}
	return err == nil
}

// takeBack ends a batch that the provider finds too large. Its rows are free
// for smaller batches. A row that is too large alone fails.
func (d *driver) takeBack(ctx context.Context, refusal error) error {
	reason := intent.Reason{Class: retry.Permanent.String(), Code: "too_large", Message: refusal.Error()}
	if d.Rows == 1 {
		return d.advance(intent.BatchEnded{Reason: &reason})
	}
	d.cfg.Log.WarnContext(ctx, "batch too large, halving it", "tag", d.Tag, "rows", d.Rows, "error", refusal)
	d.tooLarge = true
	return d.advance(intent.Refused{Reason: reason})
}

// now returns the time for what is counted back from it at the provider, whose
// clock counts if it tells the time.
func (d *driver) now() time.Time {
	if there, known := d.provider.Clock(); known {
		return there
	}
	return time.Now()
}

func reasonOf(e *RowError) *intent.Reason {
	return &intent.Reason{Class: e.Class.String(), Code: e.Code, Message: e.Message}
}
