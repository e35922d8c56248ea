package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// knownBatches holds the batches that the journal knows when a process begins.
type knownBatches struct {
	fresh   bool // there was no journal
	intents map[string]intent.Intent
	seen    map[string]bool // tags of batches that a person has given up
}

// sent returns when the last known batch was sent.
func (k *knownBatches) sent(started time.Time) time.Time {
	for _, in := range k.intents {
		if in.SentAt.After(started) {
			started = in.SentAt
		}
	}
	return started
}

// lacks reports whether a batch under a tag of the job is missing in this
// journal. Then a newer journal has bought it, because no batch is sent before
// the journal says so.
func (k *knownBatches) lacks(tag string) bool {
	in, ok := k.intents[tag]
	if !ok {
		return !k.seen[tag]
	}
	return k.unsent(in)
}

// unsent reports whether the intent certainly has no batch.
func (k *knownBatches) unsent(in intent.Intent) bool {
	return (in.State == intent.Sealed || in.State == intent.Uploaded) && in.Creates == 0 && !in.InDoubt()
}

// mustBeNewest refuses to buy anything for a state directory that is an older
// copy, or whose copy was run elsewhere. Then the provider has batches under
// tags of the job that the journal does not know. Providers that list no tags
// cannot show that.
func (ad *adopter) mustBeNewest(ctx context.Context) error {
	for _, s := range ad.services {
		if err := ad.mustBeNewestOf(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (ad *adopter) mustBeNewestOf(ctx context.Context, s *service) error {
	lacking, err := ad.bought(ctx, s)
	for n := 0; err != nil; n++ {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if retry.ClassOf(err) == retry.Blocked || retry.ClassOf(err) == retry.Permanent {
			return fmt.Errorf("durable: list batches: %w", err)
		}
		if err := ad.calls.backOff(ctx, s, intent.Intent{}, "list", n, err); err != nil {
			return err
		}
		lacking, err = ad.bought(ctx, s)
	}
	if len(lacking) == 0 {
		return nil
	}
	return &MismatchError{Reason: fmt.Sprintf("%s is older than its purchases: the provider has %s of the run %q that it does not know, "+
		"such as %s. It is an old copy, or a copy of it was run elsewhere: go on with the newer one. "+
		"If that is lost, run baler doctor --state %s --adopt %s",
		ad.store.Path(), batchCount(len(lacking)), ad.name, lacking[0].Batch, ad.store.Path(), ad.name)}
}

// bought lists the batches of a provider under tags of the job that the journal
// lacks. It
// lists only batches that were created since the journal was last written.
func (ad *adopter) bought(ctx context.Context, s *service) (lacking []sink.Listing, err error) {
	if !s.info.Lists || ad.known.fresh {
		return nil, nil
	}
	for l, err := range s.List(ctx, ad.known.sent(ad.clock.started).Add(-purchase.FindSlack)) {
		if err != nil {
			return nil, err
		}
		if ad.IsOwnTag(l.Tag) && ad.known.lacks(l.Tag) {
			lacking = append(lacking, l)
		}
	}
	return lacking, nil
}

// reconcile completes the journal of an older copy as far as possible, after
// all that can be adopted was adopted. If the journal has a batch as sealed and
// not sent, the next run finds it. A batch that has ended and answered no
// waiting row is given up.
func (ad *adopter) reconcile(ctx context.Context, adopted []Orphan) error {
	lacking, err := ad.bought(ctx, ad.first())
	if err != nil {
		return fmt.Errorf("durable: list batches: %w", err)
	}
	var seen []string
	for _, a := range adopted {
		if a.Left != "" && a.Ended && ad.IsOwnTag(a.Tag) && ad.known.lacks(a.Tag) {
			seen = append(seen, a.Tag)
		}
	}
	for _, l := range lacking {
		in, ok := ad.known.intents[l.Tag]
		if !ok {
			continue
		}
		if err := ad.doubt(ctx, in, l); err != nil {
			return err
		}
	}
	if len(seen) == 0 {
		return nil
	}
	slices.Sort(seen)
	return ad.batches.journal.Append(jobdir.Line{Seen: slices.Compact(seen)})
}

// doubt records that a listed batch was sent. The next run finds it by its tag.
func (ad *adopter) doubt(ctx context.Context, in intent.Intent, l sink.Listing) (err error) {
	account, now := ad.first().info.Account, time.Now()
	sent := l.Created
	if sent.IsZero() {
		sent = now
	}
	events := []intent.Event{
		intent.UploadDone{Account: account, File: in.File},
		intent.Sending{Account: account, Now: sent, Deadline: now},
		intent.Unclear{Now: now},
	}
	for _, ev := range events {
		if in, err = ad.batches.advance(ctx, in, ev); err != nil {
			return err
		}
	}
	delete(ad.known.intents, in.Tag)
	return nil
}
