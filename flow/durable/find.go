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

const findSlack = 15 * time.Minute // by which the provider's clock may differ from ours

// find looks for a batch whose creation was not answered, and at its end for
// others like it.
func (e *engine) find(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := e.sameAccount(ctx, in); !same {
		return e.notFindable(ctx, in, err)
	}
	listed, err := e.list(ctx, in)
	if err != nil {
		return e.unseen(ctx, in, err)
	}
	next, err := e.advance(ctx, in, listed)
	if err != nil || in.State != intent.Unknown && in.State != intent.Held {
		return next, err
	}
	return next, e.resolved(ctx, in, next)
}

// resolved says what is known now of a batch in doubt, and waits if that is
// nothing yet.
func (e *engine) resolved(ctx context.Context, was, in intent.Intent) error {
	if in.State != intent.Unknown && in.State != intent.Held {
		e.untell(NoticeUnclear, in.Tag)
	}
	v := e.vigils.of(in.Tag)
	switch {
	case in.State == intent.Unknown:
		e.tellUnclear(ctx, in, "it is not listed yet")
		d := e.config.poll // between two looks in vain
		if left := e.grace - v.waited(); left > 0 {
			d = min(d, left)
		}
		return e.sleep(ctx, max(d, time.Millisecond))
	case in.State == intent.Held && was.State != intent.Held:
		e.log.WarnContext(ctx, "waiting until the batches have ended that may be this one", "tag", in.Tag)
		e.tellHeld(ctx, in)
	}
	if in.State == intent.Held {
		return e.sleep(ctx, e.interval(e.now().Sub(in.SentAt)))
	}
	if in.State != intent.Submitted {
		e.log.WarnContext(ctx, "the batch was not found", "tag", in.Tag, "state", in.State)
		return nil
	}
	v.began = time.Now()
	e.log.InfoContext(ctx, "found the batch", "tag", in.Tag, "batch", in.Batch, "unproven", in.Unproven)
	return nil
}

// tellUnclear tells of a batch of which it is not known whether it was created.
func (e *engine) tellUnclear(ctx context.Context, in intent.Intent, why string) {
	e.tell(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag,
		Text: fmt.Sprintf("the creation of a batch of %d rows was not answered: %s", in.Rows, why),
		Advice: "the batch is looked for, and sent again only if it is not there by " +
			time.Now().Add(e.grace-e.vigils.of(in.Tag).waited()).Format(time.DateTime),
	})
}

// list asks what the provider has under the tag, or what may be the batch if it
// keeps no tags.
func (e *engine) list(ctx context.Context, in intent.Intent) (intent.Event, error) {
	listed := intent.Listed{Waited: e.vigils.of(in.Tag).waited()}
	listed.Terms = intent.Terms{
		Grace: e.grace, Window: e.provider.Limits(e.spec(in).Model).Window, Policy: intent.Policy(e.unclear),
		Alone: e.exclusive && e.owners.alone(in.Tag),
	}
	var err error
	listed.Batches, err = e.provider.Find(ctx, in.Tag, e.lookBack(in, in.Decides(e.grace, listed.Waited)))
	if errors.Is(err, errors.ErrUnsupported) && ctx.Err() == nil {
		err = e.match(ctx, in, &listed)
	}
	if err == nil && in.Refusals > 0 {
		listed.Batches, err = withoutRefused(ctx, e.provider, in, listed.Batches)
	}
	return listed, err
}

// unseen is what follows if it cannot be seen what the provider has. That no
// batch was found then means nothing: it is looked for again, for as long as it
// takes, while all others go on. One that is done with is not looked for again.
func (e *engine) unseen(ctx context.Context, in intent.Intent, err error) (intent.Intent, error) {
	if ctx.Err() != nil || !unlisted(err) {
		return in, e.hold(ctx, in, "find", 0, err)
	}
	if in.State != intent.Unknown && in.State != intent.Held {
		e.log.WarnContext(ctx, "whether the batch was bought twice cannot be told", "tag", in.Tag, "batch", in.Batch, "error", err)
		return e.advance(ctx, in, intent.Listed{})
	}
	d := e.interval(e.vigils.of(in.Tag).waited())
	e.tell(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Next: time.Now().Add(d),
		Text:   fmt.Sprintf("whether the provider has a batch of %d rows cannot be told, as its batches cannot be listed: %v", in.Rows, err),
		Advice: "until they can, it is neither bought again nor given up; all others go on",
	})
	return in, e.sleep(ctx, d)
}

// unlisted reports whether err says that batches cannot be listed, now or later.
func unlisted(err error) bool {
	return err != nil && retry.ClassOf(err) == retry.Permanent && !errors.Is(err, errors.ErrUnsupported)
}

// cancel stops a batch that was bought twice. One that cannot be cancelled
// costs what it costs, and must not stop the job.
func (e *engine) cancel(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	surplus := in.Surplus[in.Cancelled]
	if same, err := e.sameAccount(ctx, in); !same {
		return e.notCancellable(ctx, in, err)
	}
	e.log.WarnContext(ctx, "cancelling a second batch of the same tag", "tag", in.Tag, "batch", surplus)
	err := e.provider.Cancel(ctx, sink.Handle{Batch: surplus})
	if err != nil && ctx.Err() != nil {
		return in, context.Cause(ctx) // whatever it says: it may be that of another call
	}
	if err != nil && retry.ClassOf(err) != retry.Permanent {
		return in, e.hold(ctx, in, "cancel", 0, err)
	}
	return e.advance(ctx, in, intent.CancelDone{})
}
