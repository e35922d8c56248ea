package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// match finds the batch at a provider that keeps no tags.
func (f *finder) match(ctx context.Context, in intent.Intent, listed *intent.Listed) error {
	from := f.batches.serviceOf(in)
	if !from.info.Lists {
		return fmt.Errorf("%s keeps no tag with a batch and lists none, so the batch cannot be looked for: %w",
			from.info.Name, errors.ErrUnsupported)
	}
	since := f.clock.searchFrom(in, in.Open() && !from.info.Clock && in.Decides(f.grace, listed.Waited))
	s := purchase.Search{
		Intent: in, From: since, Waited: listed.Waited, Grace: f.grace,
		Now: f.clock.now(), TellsTime: from.info.Clock, Owners: f.batches.batchOwners,
		TagOf: func(batch string) (string, error) { return f.tagOf(ctx, in, batch) },
		Listed: func(yield func(purchase.Listing, error) bool) {
			for l, err := range from.List(ctx, since) {
				if !yield(purchase.Listing(l), err) {
					return
				}
			}
		},
	}
	if v := f.pollStates.of(in.Tag); v.mine {
		s.Began = v.began
	}
	return s.Find(listed)
}

// prove checks a batch that was adopted as the only candidate: its rows show
// whose it is.
func (f *finder) prove(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := f.accounts.sameAccount(ctx, in); !same {
		return in, err
	}
	tag, err := f.tagOf(ctx, in, in.Batch)
	switch {
	case retry.ClassOf(err) == retry.Permanent && ctx.Err() == nil:
		return in, f.unproven(ctx, in, err)
	case err != nil:
		return in, f.calls.backOff(ctx, f.batches.serviceOf(in), in, "prove", 0, err)
	}
	f.notices.clear(NoticeUnclear, in.Tag)
	if tag == in.Tag {
		return f.batches.advance(ctx, in, intent.Proven{})
	}
	f.log.WarnContext(ctx, "the batch is somebody else's: is the workspace exclusive?", "tag", in.Tag, "batch", in.Batch)
	return f.batches.advance(ctx, in, intent.Disowned{})
}

// unproven waits if the results of such a batch cannot be read. They are read
// again for as long as it takes, while all other batches go on.
func (f *finder) unproven(ctx context.Context, in intent.Intent, err error) error {
	d := max(f.poll, purchase.MaxPoll)
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Batch: in.Batch, Next: time.Now().Add(d),
		Text:   fmt.Sprintf("whether the batch is the run's cannot be told, as its results cannot be read: %v", err),
		Advice: "until they can, its rows are neither settled nor bought again; all others go on",
	})
	return f.calls.sleep(ctx, d)
}

// tagOf returns the tag of a batch that has ended, from the first row that has
// an id. It returns "" for a batch that is not ours, and for a batch without
// any row that ran. The error is purchase.ErrSilent if no row tells.
func (f *finder) tagOf(ctx context.Context, in intent.Intent, batch string) (string, error) {
	from := f.batches.serviceOf(in)
	read := func() (string, error) { return readTag(ctx, from, batch) }
	return f.batches.batchOwners.TagOrNone(batch, read, func() (bool, error) {
		s, err := from.Status(ctx, sink.Handle{Batch: batch})
		return s.Unaccounted(in.Requests(), 0, 0) == 0 || s.Total > 0 && s.Total != in.Requests(), err
	})
}
