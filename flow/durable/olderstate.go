package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// knownBatches is what the journal knows of batches when a process begins.
type knownBatches struct {
	fresh   bool // there was no journal
	intents map[string]intent.Intent
	seen    map[string]bool // tags of batches that a person has given up
}

// sent is when the last batch that is known was sent.
func (k *knownBatches) sent(started time.Time) time.Time {
	for _, in := range k.intents {
		if in.SentAt.After(started) {
			started = in.SentAt
		}
	}
	return started
}

// lacks reports whether a batch under an own tag was bought by a journal that is
// newer than this one: no batch is sent before the journal says so.
func (k *knownBatches) lacks(tag string) bool {
	in, ok := k.intents[tag]
	if !ok {
		return !k.seen[tag]
	}
	return k.unsent(in)
}

// unsent reports whether there can be no batch of the intent.
func (k *knownBatches) unsent(in intent.Intent) bool {
	return (in.State == intent.Sealed || in.State == intent.Uploaded) && in.Creates == 0 && !in.InDoubt()
}

// mustBeNewest refuses to buy anything for a state directory that is an older copy,
// or of which a copy was run elsewhere: then the provider has batches under tags of
// the job that the journal does not know. Providers that list no tags cannot tell.
func (ad *adopter) mustBeNewest(ctx context.Context) error {
	lacking, err := ad.bought(ctx)
	for n := 0; err != nil; n++ {
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if retry.ClassOf(err) == retry.Blocked || retry.ClassOf(err) == retry.Permanent {
			return fmt.Errorf("durable: list batches: %w", err)
		}
		if err := ad.calls.backOff(ctx, intent.Intent{}, "list", n, err); err != nil {
			return err
		}
		lacking, err = ad.bought(ctx)
	}
	if len(lacking) == 0 {
		return nil
	}
	return &MismatchError{Reason: fmt.Sprintf("%s is older than what it has bought: the provider has %d batches of the run %q that it does not know, "+
		"such as %s. It is an old copy, or a copy of it was run elsewhere: go on with the newer one. "+
		"If that is lost, run baler doctor --state %s --adopt %s",
		ad.store.Path(), len(lacking), ad.name, lacking[0].Batch, ad.store.Path(), ad.name)}
}

// bought lists the batches under tags of the job that the journal lacks, of those
// that were created since it was written last.
func (ad *adopter) bought(ctx context.Context) (lacking []sink.Listing, err error) {
	lister, ok := ad.provider.(sink.Lister)
	if !ok || ad.known.fresh {
		return nil, nil
	}
	for l, err := range lister.List(ctx, ad.known.sent(ad.clock.started).Add(-findSlack)) {
		if err != nil {
			return nil, err
		}
		if ad.IsOwnTag(l.Tag) && ad.known.lacks(l.Tag) {
			lacking = append(lacking, l)
		}
	}
	return lacking, nil
}

// reconcile makes a journal of an older copy as good as can be, after what can be
// adopted was. A batch that was sealed and not sent is looked for; one that has
// ended, and answered nothing that is waited for, is given up.
func (ad *adopter) reconcile(ctx context.Context, adopted []Adoption) error {
	lacking, err := ad.bought(ctx)
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

// doubt notes of a batch that the provider lists that it was sent: the next run
// finds it by its tag.
func (ad *adopter) doubt(ctx context.Context, in intent.Intent, l sink.Listing) (err error) {
	account, now := ad.provider.Account(), time.Now()
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
