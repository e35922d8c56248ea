package sink

import (
	"context"
	"errors"
	"time"

	"github.com/balerhq/baler/retry"
)

// errMissing is why a batch that has ended is downloaded again.
var errMissing = retry.Mark(errors.New("rows that ran, or may have, are in no result"), retry.Retryable)

// collect takes the outcomes of a batch that has ended, and asks for them again
// for as long as rows may have run that have none. It reports whether there are
// such rows in the end.
func (t *trip) collect(ctx context.Context) (missing bool, err error) {
	first, agreed := time.Now(), 0
	for n := 1; ; n++ {
		d := t.download(ctx)
		absent := t.rows.absent()
		switch {
		case d.taken != nil:
			return false, d.taken
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case retry.ClassOf(d.err) == retry.Blocked:
			return false, d.err
		case absent == 0:
			return false, nil
		}
		if never, sure := t.neverRan(ctx, &d); !never {
			agreed = 0
		} else if sure || agreed == absent { // it has said so before
			return false, nil
		} else {
			agreed = absent
		}
		if d.err == nil {
			d.err = errMissing
		}
		t.cfg.Log.WarnContext(ctx, "results are not complete, asking again", "batch", t.batch, "missing", absent, "error", d.err)
		switch err := t.pause(ctx, max(t.delay(n, d.err), t.interval(time.Since(first))), d.err); {
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case err != nil:
			return true, nil //nolint:nilerr // there is no more time, and the rest is told by the rows
		}
	}
}

// neverRan reports whether the provider's counts leave room for all rows
// without an outcome, and whether that is sure, as the batch was refused.
func (t *trip) neverRan(ctx context.Context, d *reading) (never, sure bool) {
	if d.err != nil {
		return false, false
	}
	s, err := t.provider.Status(ctx, t.handle())
	d.err = err
	return err == nil && s.Unaccounted(len(t.rows.rows), d.came, d.skipped) == 0, s.Err != nil
}

// reading is what one download has brought.
type reading struct {
	came, skipped int   // rows
	err           error // of the provider
	taken         error // of the one who takes the outcomes
}

// download takes the outcomes. It may be repeated: rows that were taken are not
// taken again. The one who takes them may be slow, so it is given up only if it
// does not get on.
func (t *trip) download(ctx context.Context) (d reading) {
	t.rows.begin()
	for o, err := range t.provider.Results(ctx, t.handle()) {
		if err != nil {
			d.err = err
			return d
		}
		fresh, err := t.rows.take(t.batch, &o)
		if err != nil {
			d.taken = retry.Mark(err, retry.Permanent)
			return d
		}
		if fresh {
			t.renew()
		}
		if o.Skipped {
			d.skipped++
		}
	}
	d.came = t.rows.came()
	return d
}

// reason is why a row has no outcome: it ran, or may have, and its result is
// not to be had; its batch was refused as a whole; or that ended, perhaps
// because of other rows, before the row was run.
func (t *trip) reason(missing bool, refused *RowError) *RowError {
	switch {
	case missing:
		return &RowError{Class: retry.Ambiguous, Code: "result_missing", Message: "the provider ran the row, or may have, and has no result of it"}
	case refused != nil && !t.rows.some():
		return refused
	}
	return &RowError{Class: retry.Retryable, Code: "not_executed", Message: "the batch ended without a result for this row"}
}
