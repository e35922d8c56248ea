package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// codeAbandoned is the code of a batch in doubt whose rows a person has freed.
const codeAbandoned = "abandoned"

// find finds out which batch belongs to an intent, until a person decides not
// to wait for that.
func (d *driver) find(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.State != intent.Unknown && in.State != intent.Held {
		return d.sweep(ctx, in)
	}
	decided, moved := d.fetcher.decisions.ofDoubt(in)
	if decided == DecisionBuyAgain {
		return d.abandonBatch(ctx, in)
	}
	if d.buyer.repeats(in) {
		return d.buyer.repeat(ctx, in)
	}
	wanted, stop := until(ctx, moved)
	defer stop()
	return d.finder.find(wanted, in)
}

// abandonBatch gives up a batch in doubt, so that its rows go on without it.
func (d *driver) abandonBatch(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	d.log.WarnContext(ctx, "a batch in doubt is abandoned, and its rows are bought again", "tag", in.Tag, "rows", in.Rows)
	d.notices.clear(NoticeUnclear, in.Tag)
	return d.batches.advance(ctx, in, intent.Abandoned{
		Reason: newReason(retry.Retryable, codeAbandoned, "a person has decided to buy its rows again"),
	})
}

// sweep looks for second batches of a tag. One that was abandoned may appear
// until the grace is over.
func (d *driver) sweep(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.Abandoned {
		d.fetcher.evidences.of(in.Tag).freeSlot()
	}
	if left := d.grace - d.finder.pollStates.of(in.Tag).waited(); in.Abandoned && left > 0 {
		return in, d.finder.calls.sleep(ctx, left)
	}
	return d.finder.find(ctx, in)
}
