package sink

import (
	"context"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
)

// poll polls a batch when it is due. Neither an error nor an unknown status
// says anything about the rows. Then the batch is polled again, for as long as
// it may run.
func (d *driver) poll(ctx context.Context) error {
	due := d.polled.Add(purchase.Interval(d.cfg.Poll, time.Since(d.sent)))
	if err := d.pause(ctx, max(time.Until(due), 0), ErrNotEnded); err != nil {
		return err
	}
	d.polled = time.Now()
	if d.InDoubt() { // a second batch should be found while cancelling it saves money
		if err := d.findSurplus(ctx); err != nil || d.Next() != intent.Poll {
			return err
		}
	}
	s, err := d.provider.Status(ctx, d.handle())
	switch {
	case err != nil && ctx.Err() == nil && retry.ClassOf(err) == retry.Permanent:
		d.cfg.Log.WarnContext(ctx, "the batch cannot be polled", "tag", d.Tag, "batch", d.Batch, "error", err)
		return nil
	case err != nil:
		return d.backOff(ctx, "poll", err)
	case s.Ended && s.Err != nil:
		return d.refused(ctx, s.Err)
	case s.Ended:
		d.lasts(2 * purchase.AgreementWait(d.cfg.Poll, d.cfg.Grace)) // to learn twice what never ran
		return d.advance(intent.BatchEnded{})
	}
	d.failures = 0
	if s.Unknown && !d.warned {
		d.warned = true
		d.cfg.Log.WarnContext(ctx, "unknown status, waiting for the batch to end", "batch", d.Batch, "status", s.Phase)
	}
	return nil
}

// findSurplus looks for a second batch of the tag. A list that cannot be read
// now is read again at the next poll.
func (d *driver) findSurplus(ctx context.Context) error {
	listed, err := d.list(ctx)
	if err != nil {
		d.cfg.Log.InfoContext(ctx, "whether the batch was bought twice cannot be told yet", "tag", d.Tag, "error", err)
		return nil // the batch can end nevertheless
	}
	return d.advance(listed)
}
