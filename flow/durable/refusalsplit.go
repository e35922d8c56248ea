package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// split takes back a batch that the provider finds too large. Its rows are free
// for smaller batches, and its route is limited to such batches from now on. A
// row that is too large alone fails.
func (rf *refusals) split(ctx context.Context, in intent.Intent, refusal error) (intent.Intent, error) {
	reason := newReason(retry.Permanent, "too_large", refusal.Error())
	if in.Rows == 1 {
		return rf.batches.advance(ctx, in, intent.BatchEnded{Reason: &reason})
	}
	entries, err := rf.Entries(in.Tag, in.Rows)
	if err != nil {
		return in, err
	}
	reason.Limit = largerHalf(entries)
	rf.batches.routes.narrow(in.Route, reason.Limit)
	rf.log.WarnContext(ctx, "batch too large, halving it", "tag", in.Tag, "rows", in.Rows, "limit", reason.Limit, "error", refusal)
	return rf.batches.advance(ctx, in, intent.Refused{Reason: reason})
}

// largerHalf returns what the larger half of a batch weighs, in bytes.
func largerHalf(entries []jobdir.Entry) int {
	first := weigh(entries[:(len(entries)+1)/2])
	return max(first, weigh(entries)-first)
}

// takeBack frees the rows of a batch that was not bought, because another route
// can take them.
func (rf *refusals) takeBack(ctx context.Context, in intent.Intent, why intent.Reason) (intent.Intent, error) {
	rf.batches.throttles.leave(in)
	rf.log.InfoContext(ctx, "taking a batch back, for another route", "tag", in.Tag, "rows", in.Rows, "from", rf.batches.routeName(in), "reason", why.Code)
	return rf.batches.advance(ctx, in, intent.Refused{Reason: why})
}
