package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// finder finds out which batch of the provider belongs to an intent.
type finder struct {
	*config
	clock      *clock
	notices    *notices
	calls      *calls
	batches    *batches
	accounts   *accounts
	pollStates *pollStates
}

// find looks for a batch whose creation was not answered. Once such a batch has
// ended, it looks for a second one.
func (f *finder) find(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := f.accounts.sameAccount(ctx, in); !same {
		return f.accounts.notFindable(ctx, in, err)
	}
	listed, err := f.list(ctx, in)
	if err != nil {
		return f.listFailed(ctx, in, err)
	}
	next, err := f.batches.advance(ctx, in, listed)
	if err != nil || in.State != intent.Unknown && in.State != intent.Held {
		return next, err
	}
	return next, f.resolved(ctx, in, next)
}

// resolved reports what is known now about a batch in doubt, and waits if
// nothing is known yet.
func (f *finder) resolved(ctx context.Context, was, in intent.Intent) error {
	if in.State != intent.Unknown && in.State != intent.Held {
		f.notices.clear(NoticeUnclear, in.Tag)
	}
	v := f.pollStates.of(in.Tag)
	switch {
	case in.State == intent.Unknown:
		f.raiseUnclear(ctx, in, "it is not listed yet")
		d := f.poll // between two searches
		if left := f.grace - v.waited(); left > 0 {
			d = min(d, left)
		}
		return f.calls.sleep(ctx, max(d, time.Millisecond))
	case in.State == intent.Held && was.State != intent.Held:
		f.log.WarnContext(ctx, "waiting for the end of the batches that may be this one", "tag", in.Tag)
		f.raiseHeld(ctx, in)
	}
	if in.State == intent.Held {
		return f.calls.sleep(ctx, f.calls.interval(f.clock.now().Sub(in.SentAt)))
	}
	if in.State != intent.Submitted {
		f.log.WarnContext(ctx, "the batch was not found", "tag", in.Tag, "state", in.State)
		return nil
	}
	v.began = time.Now()
	f.log.InfoContext(ctx, "found the batch", "tag", in.Tag, "batch", in.Batch, "unproven", in.Unproven)
	return nil
}

// raiseUnclear raises a notice about a batch that may or may not have been
// created.
func (f *finder) raiseUnclear(ctx context.Context, in intent.Intent, why string) {
	advice := "the batch is looked for, and sent again only if it is not there by " +
		time.Now().Add(f.grace-f.pollStates.of(in.Tag).waited()).Format(time.DateTime)
	if f.batches.serviceOf(in).info.RepeatableCreate {
		advice = "the same creation is sent again, which makes no second batch"
	}
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Advice: advice,
		Text: fmt.Sprintf("the creation of a batch of %s was not answered: %s", rowCount(in.Rows), why),
	})
}

// list asks the provider for batches with the tag. If the provider keeps no
// tags, it finds the batches that may be the intent's.
func (f *finder) list(ctx context.Context, in intent.Intent) (intent.Event, error) {
	listed := intent.Listed{Waited: f.pollStates.of(in.Tag).waited()}
	listed.Terms = intent.Terms{
		Grace: f.grace, Window: f.batches.serviceOf(in).window(f.batches.modelOf(in)), Policy: intent.Policy(f.ambiguousCreate),
		Alone: f.exclusive && f.batches.batchOwners.Alone(in.Tag),
	}
	var err error
	listed.Batches, err = f.batches.serviceOf(in).Find(ctx, in.Tag, f.clock.searchFrom(in, in.Decides(f.grace, listed.Waited)))
	if errors.Is(err, errors.ErrUnsupported) && ctx.Err() == nil {
		err = f.match(ctx, in, &listed)
	}
	if errors.Is(err, errors.ErrUnsupported) && f.batches.serviceOf(in).info.RepeatableCreate {
		return intent.Listed{Terms: listed.Terms}, nil // a repeated creation tells
	}
	if err == nil && (in.Refusals > 0 || f.batches.serviceOf(in).info.RepeatableCreate) { // one that was refused may have been made again
		listed.Batches, err = withoutRefused(ctx, f.batches.serviceOf(in), in, listed.Batches)
	}
	return listed, err
}

// listFailed handles a list that cannot be read. Then it means nothing that no
// batch was found. The search is repeated for as long as it takes, while all
// other batches go on. It is not repeated for an intent that is settled or
// abandoned: such a list must not end a run whose rows have gone on.
func (f *finder) listFailed(ctx context.Context, in intent.Intent, err error) (intent.Intent, error) {
	if in.Abandoned && ctx.Err() == nil && (unlisted(err) || errors.Is(err, errors.ErrUnsupported)) {
		f.raiseUnseen(ctx, in, err)
		return f.batches.advance(ctx, in, intent.Listed{})
	}
	if ctx.Err() != nil || !unlisted(err) {
		return in, f.calls.backOff(ctx, f.batches.serviceOf(in), in, "find", 0, err)
	}
	if in.State != intent.Unknown && in.State != intent.Held {
		f.log.WarnContext(ctx, "whether the batch was bought twice cannot be told", "tag", in.Tag, "batch", in.Batch, "error", err)
		return f.batches.advance(ctx, in, intent.Listed{})
	}
	d := f.calls.interval(f.pollStates.of(in.Tag).waited())
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Next: time.Now().Add(d),
		Text:   fmt.Sprintf("whether the provider has a batch of %s cannot be told, as its batches cannot be listed: %v", rowCount(in.Rows), err),
		Advice: "until they can, it is neither bought again nor given up; all others go on; " + buyAgainAdvice(f.name, in.Tag),
	})
	return in, f.calls.sleep(ctx, d)
}

// raiseUnseen raises a notice that an abandoned batch cannot be looked for.
func (f *finder) raiseUnseen(ctx context.Context, in intent.Intent, err error) {
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag,
		Text:   fmt.Sprintf("a batch of %s was given up and bought again, and whether it is there cannot be told, as it cannot be looked for: %v", rowCount(in.Rows), err),
		Advice: "it is not looked for any more: cancel a batch of the tag " + in.Tag + " at the provider, if there is one",
	})
}

// cancel cancels a batch that was bought twice. If it cannot be cancelled, it
// costs money, but must not stop the job.
func (f *finder) cancel(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	surplus := in.Surplus[in.Cancelled]
	if same, err := f.accounts.sameAccount(ctx, in); !same {
		return f.accounts.notCancellable(ctx, in, err)
	}
	f.log.WarnContext(ctx, "cancelling a second batch of the same tag", "tag", in.Tag, "batch", surplus)
	err := f.batches.serviceOf(in).Cancel(ctx, sink.Handle{Batch: surplus})
	if err != nil && ctx.Err() != nil {
		return in, context.Cause(ctx) // the error may be that of another call
	}
	if err != nil && retry.ClassOf(err) != retry.Permanent {
		return in, f.calls.backOff(ctx, f.batches.serviceOf(in), in, "cancel", 0, err)
	}
	return f.batches.advance(ctx, in, intent.CancelDone{})
}

// raiseHeld raises a notice that it may take a day to tell a batch from others.
func (f *finder) raiseHeld(ctx context.Context, in intent.Intent) {
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag,
		Text:   fmt.Sprintf("a batch of %s may be one of those at the provider that run, or have ended without a result, which shows only when they have results", rowCount(in.Rows)),
		Advice: "it is waited for, and not bought again, unless Job.AmbiguousCreate says otherwise; " + buyAgainAdvice(f.name, in.Tag),
	})
}
