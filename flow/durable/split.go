package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
)

// split takes back a batch that the provider finds too large: its rows are free
// for smaller ones, to which its lane is limited from now on. A row that is too
// large alone fails.
func (e *engine) split(ctx context.Context, in intent.Intent, refusal error) (intent.Intent, error) {
	reason := newReason(retry.Permanent, "too_large", refusal.Error())
	if in.Rows == 1 {
		return e.advance(ctx, in, intent.BatchEnded{Reason: &reason})
	}
	entries, err := e.Entries(in.Tag, in.Rows)
	if err != nil {
		return in, err
	}
	reason.Limit = largerHalf(entries)
	e.lanes.narrow(in.Route, reason.Limit)
	e.log.WarnContext(ctx, "batch too large, halving it", "tag", in.Tag, "rows", in.Rows, "limit", reason.Limit, "error", refusal)
	return e.advance(ctx, in, intent.Refused{Reason: reason})
}

// largerHalf is what the larger half of a batch weighs, in bytes.
func largerHalf(entries []jobdir.Entry) int {
	first := weigh(entries[:(len(entries)+1)/2])
	return max(first, weigh(entries)-first)
}

func weigh(entries []jobdir.Entry) (total int) {
	for _, e := range entries {
		total += e.Weight()
	}
	return total
}

// cut returns as many of the entries as their lane allows in a batch, and the
// rest.
func (l *lanes) cut(entries []jobdir.Entry) (batch, rest []jobdir.Entry) {
	limit := l.limitOf(int(entries[0].Route))
	if limit == 0 {
		return entries, nil
	}
	weight := entries[0].Weight()
	for i := range entries[1:] {
		if weight += entries[i+1].Weight(); weight > limit {
			return entries[:i+1], entries[i+1:]
		}
	}
	return entries, nil
}

func (l *lanes) limitOf(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits[n]
}

// narrow lowers what a batch of the lane may weigh, in bytes.
func (l *lanes) narrow(n, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits[n] = narrow(l.limits[n], bytes)
}
