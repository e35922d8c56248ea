package sink

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// errMissing is why a batch that has ended is downloaded again.
var errMissing = retry.Mark(errors.New("rows that ran, or may have, are in no result"), retry.Retryable)

// fetch downloads the results of a batch that has ended, delivers them, and
// decides whether they are complete. A row without a result did not run only if
// the provider's counts leave room for that.
func (d *driver) fetch(ctx context.Context) error {
	if wait := time.Until(d.evidence.Next); wait > 0 {
		if err := d.pause(ctx, wait, ErrNotEnded); err != nil {
			return d.decide(ctx)
		}
	}
	got, err := d.download(ctx)
	absent := d.rows.absent()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case retry.ClassOf(got.err) == retry.Blocked:
		return got.err
	case absent == 0:
		return d.advance(intent.FetchDone{})
	}
	if d.neverRan(ctx, &got) {
		if d.evidence.Agree(absent, d.cfg.Poll, d.cfg.Grace) || d.Reason != nil {
			return d.advance(intent.FetchDone{})
		}
		return nil
	}
	d.evidence.Disagree()
	d.evidence.Missing(got.fresh, d.cfg.Poll, got.err)
	d.cfg.Log.WarnContext(ctx, "results are not complete, asking again", "batch", d.Batch, "missing", absent, "error", got.err)
	return d.advance(intent.FetchPart{Missing: absent})
}

// decide ends the wait for missing rows when there is no more time: they fail,
// though they may have been paid for. Nobody is there to decide otherwise.
func (d *driver) decide(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	absent := d.rows.absent()
	for _, e := range []intent.Event{
		intent.FetchPart{Missing: absent}, intent.Decided{Verdict: intent.FailMissing}, intent.FetchDone{Missing: absent},
	} {
		if err := d.advance(e); err != nil {
			return err
		}
	}
	return nil
}

// neverRan reports whether the provider's counts leave room for all rows
// without an outcome.
func (d *driver) neverRan(ctx context.Context, got *harvest) bool {
	if d.Batch == "" {
		return true
	}
	if got.err != nil {
		return false
	}
	s, err := d.provider.Status(ctx, d.handle())
	if err == nil && s.Unaccounted(d.Rows, got.received, got.skipped) > 0 {
		err = errMissing
	}
	got.err = err
	return err == nil
}

// harvest is the outcome of a download.
type harvest struct {
	fresh    int   // rows that had no outcome before
	received int   // rows that the download had outcomes of
	skipped  int   // rows among these that the provider says it skipped
	err      error // why there may be more
}

// download delivers the outcomes. It may be repeated: each row is delivered
// once. The receiver may be slow, so the batch is given up only if nothing new
// comes. It returns an error only if an outcome cannot be delivered.
func (d *driver) download(ctx context.Context) (got harvest, err error) {
	d.rows.begin()
	if d.Batch == "" {
		return got, nil
	}
	for o, err := range d.provider.Results(ctx, d.handle()) {
		if err != nil {
			got.err = err
			return got, nil // what came counts
		}
		received, fresh, err := d.rows.match(d.Intent, &o)
		if err != nil {
			return got, err
		}
		if fresh {
			got.fresh++
			d.renew()
		}
		if !received {
			continue
		}
		got.received++
		if o.Skipped {
			got.skipped++
		}
	}
	return got, nil
}

// settle delivers an outcome for each row that has none.
func (d *driver) settle(ctx context.Context) error {
	if n := d.rows.unexpected; n > 0 {
		d.cfg.Log.WarnContext(ctx, "result rows that were not asked for, or came twice", "batch", d.Batch, "rows", n)
	}
	reason := d.Unanswered(d.rows.any())
	failure := &RowError{Code: reason.Code, Message: reason.Message}
	if err := failure.Class.UnmarshalText([]byte(reason.Class)); err != nil {
		return err
	}
	if err := d.giveRest(failure); err != nil {
		return err
	}
	return d.advance(intent.SettleDone{})
}

// giveRest gives every row without an outcome this one.
func (d *driver) giveRest(err *RowError) error { return d.rows.rest(d.Intent, err) }
