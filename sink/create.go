package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/retry"
)

// create buys the batch, once: a creation that was not answered is looked for,
// and repeated only when it did not show up within the grace.
func (t *trip) create(ctx context.Context) error {
	for n := 1; t.batch == ""; n++ {
		t.sent = time.Now()
		batch, err := t.provider.Create(ctx, t.spec, t.file, t.rows.all)
		switch retry.ClassOf(err) {
		case 0:
			t.batch = batch
		case retry.Retryable:
			err = t.pause(ctx, t.delay(n, err), err)
		case retry.Ambiguous:
			t.cfg.Log.WarnContext(ctx, "creation unclear, looking for the batch", "tag", t.spec.Tag, "error", err)
			err = t.reconcile(ctx, err)
		case retry.Permanent, retry.Blocked:
		}
		if err != nil {
			return fmt.Errorf("create: %w", err)
		}
	}
	return nil
}

// looksInVain is how often in a row a batch is looked for in vain before it is
// created again: a list may lack one once, as its order changes while it is
// read.
const looksInVain = 2

// reconcile looks for the batch until the grace is over. It leaves no batch if
// there is none. If the list cannot be read, nobody knows.
func (t *trip) reconcile(ctx context.Context, unclear error) error {
	for vain := 0; ; {
		var found []string
		looked := time.Now()
		err := t.persist(ctx, "find", func() (err error) {
			found, err = t.provider.Find(ctx, t.spec.Tag, t.sent.Add(-findSlack))
			return err
		})
		switch {
		case errors.Is(err, errors.ErrUnsupported): // it keeps no tags
			return retry.Mark(unclear, retry.Ambiguous)
		case retry.ClassOf(err) == retry.Permanent:
			return retry.Mark(fmt.Errorf("%w; and whether the batch exists cannot be told: %w", unclear, err), retry.Ambiguous)
		case err != nil:
			return err
		case len(found) > 0:
			t.batch = found[0]
			return t.cancelSurplus(ctx, found[1:])
		}
		wait := min(t.interval(time.Since(t.sent)), max(time.Until(t.sent.Add(t.cfg.Grace)), 0))
		if looked.Sub(t.sent) >= t.cfg.Grace {
			if vain++; vain == looksInVain {
				return nil
			}
			wait = t.interval(0)
		}
		if err := t.pause(ctx, wait, retry.Mark(unclear, retry.Ambiguous)); err != nil {
			return err
		}
	}
}

// cancelSurplus stops batches that carry the same tag as the adopted one.
func (t *trip) cancelSurplus(ctx context.Context, surplus []string) error {
	for _, batch := range surplus {
		t.cfg.Log.WarnContext(ctx, "cancelling a second batch of the same tag", "tag", t.spec.Tag, "batch", batch)
		if err := t.persist(ctx, "cancel", func() error { return t.provider.Cancel(ctx, Handle{Batch: batch}) }); err != nil {
			return err
		}
	}
	return nil
}

// pause waits because of err. If the wait would go beyond the time at which the
// batch is given up, it does not wait and returns err: with class ambiguous if
// the batch may have run.
func (t *trip) pause(ctx context.Context, d time.Duration, err error) error {
	if t.until.IsZero() || time.Now().Add(d).Before(t.until) {
		return sleep(ctx, d)
	}
	class := retry.Retryable
	if t.batch != "" || retry.ClassOf(err) == retry.Ambiguous {
		class = retry.Ambiguous
	}
	return retry.Mark(fmt.Errorf("given up: %w", err), class)
}
