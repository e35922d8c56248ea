package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// refusals decides what follows when the provider refuses a batch.
type refusals struct {
	*config
	*jobdir.Dir
	gate    *gate
	clock   *clock
	notices *notices
	calls   *calls
	batches *batches
}

// refuse ends a batch that the provider will not take. Its rows fail with the
// reason. If the provider names the rows at fault, only these fail and the rest
// are retried. All other batches go on.
func (rf *refusals) refuse(ctx context.Context, in intent.Intent, refusal error) (intent.Intent, error) {
	rf.batches.throttles.leave(in)
	reason := refusalReason(retry.Permanent, refusal)
	rf.notices.raise(ctx, Notice{
		Kind: NoticeRefused, Tag: in.Tag, Batch: in.Batch,
		Text:   fmt.Sprintf("the provider does not take a batch of %s for %s: %s", rowCount(in.Rows), rf.batches.routeName(in), said(reason)),
		Advice: "the rows at fault fail with that and cost nothing; all others go on",
	})
	return rf.batches.advance(ctx, in, intent.BatchEnded{Reason: &reason})
}

// refusalReason returns the innermost message of the provider, or else that of
// the client.
func refusalReason(class retry.Class, err error) intent.Reason {
	code, message := "refused", err.Error()
	if row, ok := errors.AsType[*sink.RowError](err); ok {
		return newReason(class, row.Code, row.Message)
	}
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Code != "" {
			code = said.Code
		}
		if said.Message != "" {
			message = said.Message
		}
	}
	return newReason(class, code, message)
}

func said(r intent.Reason) string {
	if r.Code == "" {
		return r.Message
	}
	return r.Code + ": " + r.Message
}

// putOff lets a refused batch wait, together with all batches of its route.
// None of its rows ran. The wait has an end: then the rows fail with the
// reason.
func (rf *refusals) putOff(ctx context.Context, in intent.Intent, refusal error) (intent.Intent, error) {
	if rf.gate.cancelled() {
		return rf.batches.advance(ctx, in, intent.Refused{Reason: refusalReason(retry.Permanent, refusal)})
	}
	rf.batches.creations.lane(in, rf.batches.serviceOf(in).info).denied()
	r := rf.batches.throttles.refuse(in, refusal, 3*rf.calls.interval(0))
	if errors.Is(refusal, sink.ErrFull) {
		said, _ := rf.batches.throttles.limit(in.Route)
		rf.rooms.refuse(rf.batches.stayOf(in), said)
	}
	rf.rooms.leave(in.Tag)
	if errors.Is(refusal, sink.ErrFull) {
		if next, done, err := rf.makeRoom(ctx, in, refusal, r); done || err != nil {
			return next, err
		}
	}
	if rf.givesUp(in, refusal, r) {
		return rf.refuse(ctx, in, refusal)
	}
	reason := refusalReason(retry.Retryable, refusal)
	reason.Times, reason.Since = r.refusals, r.since
	if errors.Is(refusal, sink.ErrFull) {
		reason.Room = r.room
	}
	rf.raisePutOff(ctx, in, refusal, r)
	anew := errors.Is(refusal, sink.ErrFileGone)
	if !anew && errors.Is(refusal, sink.ErrNotYet) && purchase.UploadSuspect(in.Refusals) {
		anew = rf.forget(ctx, in) // the upload may be at fault after all
	}
	return rf.batches.advance(ctx, in, intent.PutOff{Reason: reason, Again: r.until, Upload: anew})
}

// forget deletes an upload that would otherwise be found and used again.
func (rf *refusals) forget(ctx context.Context, in intent.Intent) (done bool) {
	err := rf.batches.serviceOf(in).Remove(ctx, sink.Handle{File: in.File})
	if err != nil {
		rf.log.WarnContext(ctx, "upload left at the provider", "tag", in.Tag, "error", err)
	}
	return err == nil
}

// givesUp reports whether a batch was refused often enough. If the reason is
// unknown, it may be refused as often as a row may be sent. Otherwise it may be
// refused for as long as a batch may take.
func (rf *refusals) givesUp(in intent.Intent, refusal error, r refused) bool {
	if !passes(refusal) {
		return max(r.refusals, in.Refusals+1) >= rf.maxAttempts
	}
	return r.refusals >= minRefusals && !rf.clock.now().Before(rf.refusalEnd(in, r))
}

// minRefusals is how often a batch is refused for a temporary reason before it
// is given up, however long ago the first refusal was. No process may have run
// meanwhile.
const minRefusals = 20

// refusalEnd returns when the batches of a route are given up if they are
// always refused.
func (rf *refusals) refusalEnd(in intent.Intent, r refused) time.Time {
	window := rf.batches.serviceOf(in).window(rf.batches.modelOf(in))
	if window == 0 {
		window = 24 * time.Hour
	}
	return r.since.Add(window + rf.grace)
}

// raisePutOff raises one notice for all batches of a route, because they wait
// for the same reason.
func (rf *refusals) raisePutOff(ctx context.Context, in intent.Intent, refusal error, r refused) {
	n := Notice{
		Kind: NoticeRefused, Tag: r.notice, Batch: in.Batch, Next: r.until,
		Text: fmt.Sprintf("the provider refuses batches for %s, %s in a row so far; nothing of them ran: %s",
			rf.batches.routeName(in), counted(r.refusals, "time", "times"), said(refusalReason(retry.Retryable, refusal))),
	}
	end := rf.refusalEnd(in, r).Format("2006-01-02 15:04")
	switch {
	case errors.Is(refusal, sink.ErrFull) && r.others > 0:
		n.Advice = fmt.Sprintf("they wait for room: the next is created when one of the %d that run has ended", r.others)
	case errors.Is(refusal, sink.ErrFull):
		n.Advice = "they wait until there is room, at most until " + end + "; smaller batches (Job.Batch, --batch-size) or a higher limit of the account help"
	case passes(refusal):
		n.Advice = "this passes, as a rule; otherwise their rows fail after " + end
	default:
		n.Advice = fmt.Sprintf("after %d refusals in a row the rows fail with that", rf.maxAttempts)
	}
	rf.notices.raise(ctx, n)
}
