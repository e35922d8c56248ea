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

// find looks for a batch whose creation was not answered. Once the rows of such
// a batch are settled, it looks for a second one.
func (d *driver) find(ctx context.Context) error {
	inDoubt := d.State == intent.Unknown || d.State == intent.Held
	listed, err := d.list(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && !inDoubt:
		d.cfg.Log.WarnContext(ctx, "whether the batch was bought twice cannot be told", "tag", d.Tag, "batch", d.Batch, "error", err)
		return d.advance(intent.Listed{})
	case errors.Is(err, errors.ErrUnsupported), retry.ClassOf(err) == retry.Permanent:
		return retry.Mark(fmt.Errorf("%w; and whether the batch exists cannot be told: %w", d.unclear, err), retry.Ambiguous)
	case err != nil:
		return d.backOff(ctx, "find", err)
	}
	if err := d.advance(listed); err != nil || !inDoubt {
		return err
	}
	return d.resolved(ctx)
}

// resolved waits if nothing is known yet about a batch in doubt.
func (d *driver) resolved(ctx context.Context) error {
	waited := time.Since(d.doubt)
	switch d.State { //nolint:exhaustive // a Listed leads to no other
	case intent.Unknown:
		wait := purchase.Interval(d.cfg.Poll, waited)
		if left := d.cfg.Grace - waited; left > 0 {
			wait = min(wait, left)
		}
		return d.pause(ctx, wait, d.unclear)
	case intent.Held:
		return d.pause(ctx, purchase.Interval(d.cfg.Poll, waited), d.unclear)
	case intent.Uploaded:
		d.cfg.Log.WarnContext(ctx, "the batch was not found", "tag", d.Tag)
		d.until = d.lastCreation
		return d.pause(ctx, 0, d.unclear)
	}
	d.cfg.Log.InfoContext(ctx, "found the batch", "tag", d.Tag, "batch", d.Batch)
	d.renew()
	return nil
}

// list asks the provider for batches with the tag. If the provider keeps no
// tags, it finds the batches that may be this one.
func (d *driver) list(ctx context.Context) (listed intent.Listed, err error) {
	listed = intent.Listed{
		Waited: time.Since(d.doubt),
		Terms:  intent.Terms{Grace: d.cfg.Grace, Window: d.window},
	}
	from := d.Since.Add(-purchase.FindSlack)
	listed.Batches, err = d.provider.Find(ctx, d.Tag, from)
	if errors.Is(err, errors.ErrUnsupported) && d.provider.Info().Lists && ctx.Err() == nil {
		err = d.search(ctx, from, &listed)
	}
	if errors.Is(err, errors.ErrUnsupported) && d.provider.Info().RepeatableCreate && !d.denied {
		return intent.Listed{Terms: listed.Terms}, nil // a repeated creation tells
	}
	if err == nil && (d.Refusals > 0 || d.provider.Info().RepeatableCreate) { // one that was refused may have been made again
		listed.Batches, err = purchase.WithoutRefused(d.Intent, listed.Batches, func(batch string) (bool, error) {
			s, err := d.provider.Status(ctx, Handle{Batch: batch})
			return s.Ended && s.Err != nil, err
		})
	}
	return listed, err
}

// search finds the batch at a provider that keeps no tags.
func (d *driver) search(ctx context.Context, from time.Time, listed *intent.Listed) error {
	s := purchase.Search{
		Intent: d.Intent, From: from, Waited: listed.Waited, Grace: d.cfg.Grace, Began: d.sent,
		Now: d.now(), TellsTime: d.provider.Info().Clock, Owners: d.owners,
		TagOf: func(batch string) (string, error) { return d.tagOf(ctx, batch) },
		Listed: func(yield func(purchase.Listing, error) bool) {
			for l, err := range d.provider.List(ctx, from) {
				if !yield(purchase.Listing(l), err) {
					return
				}
			}
		},
	}
	return s.Find(listed)
}

// tagOf returns the tag of a batch that has ended, "" if it is not ours or no
// row of it ran.
func (d *driver) tagOf(ctx context.Context, batch string) (string, error) {
	h := Handle{Batch: batch}
	read := func() (string, error) {
		return purchase.ReadTag(ctx, d.provider.Results(ctx, h), func(o Outcome) string { return o.ID })
	}
	return d.owners.TagOrNone(batch, read, func() (bool, error) {
		s, err := d.provider.Status(ctx, h)
		return s.Unaccounted(d.Rows, 0, 0) == 0 || s.Total > 0 && s.Total != d.Rows, err
	})
}

// cancel cancels a batch that was bought twice. If it cannot be cancelled, it
// costs money, but the rows are answered all the same.
func (d *driver) cancel(ctx context.Context) error {
	surplus := d.Surplus[d.Cancelled]
	d.cfg.Log.WarnContext(ctx, "cancelling a second batch of the same tag", "tag", d.Tag, "batch", surplus)
	err := d.provider.Cancel(ctx, Handle{Batch: surplus})
	if err != nil && retry.ClassOf(err) != retry.Permanent {
		return d.backOff(ctx, "cancel", err)
	}
	return d.advance(intent.CancelDone{})
}
