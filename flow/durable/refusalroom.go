package durable

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// These are the numbers of refusals, while nothing else of the job runs, after
// which a batch is halved: if nothing seems to run in the account, and if
// something does.
const (
	aloneRefusals    = 2
	notAloneRefusals = 6
	// A creation that is refused with HTTP 429 may be refused because of the
	// moment and not because of the batch.
	aloneCreations = 15
)

// makeRoom decides whether a batch that waits until less is enqueued can ever
// fit. If it cannot, as far as can be seen, its rows are submitted in smaller
// batches. A row that cannot fit alone fails.
func (rf *refusals) makeRoom(ctx context.Context, in intent.Intent, refusal error, r refused) (_ intent.Intent, done bool, err error) {
	limit, _ := rf.batches.throttles.limit(in.Route)
	entries, err := rf.Entries(in.Tag, in.Rows)
	if err != nil {
		return in, true, err
	}
	tokens := tokensOf(entries)
	switch {
	case limit > 0 && tokens <= limit/2:
		return in, false, nil // it fits: other batches take up the room
	case limit > 0 && tokens/2 > limit: // it never fits
	case r.others > 0 || limit == 0 && in.Batch == "" && r.alone < aloneCreations || !rf.wasAlone(ctx, in, r):
		return in, false, nil
	case in.Rows == 1 && limit == 0:
		return in, false, nil // not known
	case in.Rows == 1 && tokens <= limit:
		return in, false, nil
	}
	if in.Rows == 1 {
		in, err = rf.refuse(ctx, in, refusal)
		return in, true, err
	}
	in, err = rf.cutToFit(ctx, in, entries, limit, refusal)
	return in, true, err
}

// wasAlone reports whether a batch was refused so often while nothing else was
// enqueued that it does not fit. Other batches of the account may be of other
// models, so their end is not awaited.
func (rf *refusals) wasAlone(ctx context.Context, in intent.Intent, r refused) bool {
	return r.alone >= notAloneRefusals || r.alone >= aloneRefusals && !rf.othersRun(ctx, in)
}

// cutToFit takes back a batch for which there will never be room. Its rows are
// submitted in smaller batches.
func (rf *refusals) cutToFit(ctx context.Context, in intent.Intent, entries []jobdir.Entry, limit int64, refusal error) (intent.Intent, error) {
	reason := refusalReason(retry.Permanent, refusal)
	reason.Limit = largerHalf(entries)
	if limit > 0 { // a tenth less, because it is an estimate
		reason.Limit = int(max(min(int64(reason.Limit), int64(weigh(entries))*limit/tokensOf(entries)*9/10), 1))
	}
	rf.batches.routes.narrow(in.Route, reason.Limit)
	rf.batches.throttles.smaller(in.Route, limit > 0)
	rf.notices.raise(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Batch: in.Batch,
		Text: fmt.Sprintf("a batch of %s for %s is more than the account may have enqueued; nothing of it ran: %s",
			rowCount(in.Rows), rf.batches.routeName(in), said(reason)),
		Advice: fmt.Sprintf("these rows, and all that follow, go into batches of at most %d bytes", reason.Limit),
	})
	return rf.batches.advance(ctx, in, intent.Refused{Reason: reason})
}

// fits takes back a batch that is larger than its route allows by now, so that
// it is not sent in vain. A row for which there will never be room fails.
func (rf *refusals) fits(ctx context.Context, in intent.Intent) (_ intent.Intent, ok bool, err error) {
	limit := rf.batches.routes.limitOf(in.Route)
	tokens, refusal := rf.batches.throttles.limit(in.Route)
	if known := rf.batches.routes.enqueued(in.Route).Tokens; known > 0 && in.Tokens > known && in.Rows > 1 {
		return rf.takeBackLarge(ctx, in)
	}
	if limit == 0 && tokens == 0 {
		return in, true, nil
	}
	entries, err := rf.Entries(in.Tag, in.Rows)
	switch {
	case err != nil:
		return in, false, err
	case in.Rows == 1 && tokens > 0 && tokensOf(entries)/2 > tokens:
		in, err = rf.refuse(ctx, in, refusal)
		return in, false, err
	case in.Rows == 1 || limit == 0 || weigh(entries) <= limit:
		return in, true, nil
	}
	return rf.takeBackLarge(ctx, in)
}

// takeBackLarge frees the rows of a batch for smaller ones.
func (rf *refusals) takeBackLarge(ctx context.Context, in intent.Intent) (_ intent.Intent, ok bool, err error) {
	in, err = rf.batches.advance(ctx, in, intent.Refused{Reason: newReason(retry.Permanent, "too_large", "the route takes only smaller batches by now")})
	return in, false, err
}

// othersRun reports whether the account seems to have batches of others under
// way.
func (rf *refusals) othersRun(ctx context.Context, in intent.Intent) bool {
	from := rf.batches.serviceOf(in)
	if !from.info.Lists {
		return false
	}
	window := from.window(rf.batches.modelOf(in))
	for l, err := range from.List(ctx, rf.clock.now().Add(-window-rf.grace)) {
		if err != nil || !l.Ended && !rf.batches.batchOwners.Has(l.Batch) {
			return true
		}
	}
	return false
}
