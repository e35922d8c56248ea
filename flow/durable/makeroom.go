package durable

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// bytesPerToken is how many bytes of a request make a token, roughly. Twice as
// many are taken for certain.
const bytesPerToken = 4

// How often a batch is refused while nothing else of the job runs before it is
// halved: if nothing runs in the account as far as it shows, and if something does.
const (
	aloneRefusals    = 2
	notAloneRefusals = 6
	// A creation that is refused with HTTP 429 says as much of the moment as of the
	// batch.
	aloneCreations = 15
)

// makeRoom decides about a batch that has to wait until less is enqueued, whether
// it can ever fit. One that cannot, certainly or by all that can be seen, goes in
// smaller ones; a row that cannot fit alone fails.
func (rf *refusals) makeRoom(ctx context.Context, in intent.Intent, refusal error, r refused) (_ intent.Intent, done bool, err error) {
	limit, _ := rf.batches.throttles.limit(in.Route)
	entries, err := rf.Entries(in.Tag, in.Rows)
	if err != nil {
		return in, true, err
	}
	tokens := tokensOf(entries)
	switch {
	case limit > 0 && tokens <= limit/2:
		return in, false, nil // it fits: others have the room
	case limit > 0 && tokens/2 > limit: // it never fits
	case r.others > 0 || limit == 0 && in.Batch == "" && r.alone < aloneCreations || !rf.wasAlone(ctx, r):
		return in, false, nil
	case in.Rows == 1 && limit == 0:
		return in, false, nil // nobody knows
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

// wasAlone reports whether a batch was refused often enough while nothing else
// was enqueued that it does not fit. Other batches of the account may be of other
// models, so that they are not waited for as long as they run.
func (rf *refusals) wasAlone(ctx context.Context, r refused) bool {
	return r.alone >= notAloneRefusals || r.alone >= aloneRefusals && !rf.othersRun(ctx)
}

// cutToFit takes back a batch for which there will be no room, so that its rows go
// in smaller ones.
func (rf *refusals) cutToFit(ctx context.Context, in intent.Intent, entries []jobdir.Entry, limit int64, refusal error) (intent.Intent, error) {
	reason := refusalReason(retry.Permanent, refusal)
	reason.Limit = largerHalf(entries)
	if limit > 0 { // a tenth less, as it is a guess
		reason.Limit = int(max(min(int64(reason.Limit), int64(weigh(entries))*limit/tokensOf(entries)*9/10), 1))
	}
	rf.batches.routes.narrow(in.Route, reason.Limit)
	rf.batches.throttles.smaller(in.Route, limit > 0)
	rf.notices.tell(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Batch: in.Batch,
		Text: fmt.Sprintf("a batch of %d rows for %s is more than the account may have enqueued; nothing of it ran: %s",
			in.Rows, rf.batches.routeName(in), said(reason)),
		Advice: fmt.Sprintf("batches of at most %d bytes are made of these rows, and of all that follow", reason.Limit),
	})
	return rf.batches.advance(ctx, in, intent.Refused{Reason: reason})
}

// tokensOf guesses how many tokens the requests of entries have, at least one.
func tokensOf(entries []jobdir.Entry) int64 {
	total := 0
	for i := range entries {
		total += entries[i].Size()
	}
	return max(int64(total)/bytesPerToken, 1)
}

// fits takes back a batch that is larger than its lane allows since it was sealed,
// before it is sent for nothing. A row for which there will be no room fails.
func (rf *refusals) fits(ctx context.Context, in intent.Intent) (_ intent.Intent, ok bool, err error) {
	limit := rf.batches.routes.limitOf(in.Route)
	tokens, refusal := rf.batches.throttles.limit(in.Route)
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
	in, err = rf.batches.advance(ctx, in, intent.Refused{Reason: intent.Reason{
		Class: retry.Permanent.String(), Code: "too_large", Message: "the lane takes smaller batches by now",
	}})
	return in, false, err
}

// othersRun reports whether the account has batches of others under way, as far
// as it shows.
func (rf *refusals) othersRun(ctx context.Context) bool {
	lister, ok := rf.provider.(sink.Lister)
	if !ok {
		return false
	}
	window := rf.provider.Limits("").Window
	for l, err := range lister.List(ctx, rf.clock.now().Add(-window-rf.grace)) {
		if err != nil || !l.Ended && !rf.batches.batchOwners.has(l.Batch) {
			return true
		}
	}
	return false
}
