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

// match finds the batch at a provider that keeps no tags. The row ids of an
// ended batch show whether it is the one. A batch that has not ended may be the
// one. So may an ended batch whose results do not tell, however long ago it
// ended: nothing is sent again because time has passed.
func (f *finder) match(ctx context.Context, in intent.Intent, listed *intent.Listed) error {
	alike, err := f.alike(ctx, in, listed.Waited)
	if err != nil {
		return err
	}
	for _, l := range alike {
		switch {
		case f.batches.batchOwners.has(l.Batch), l.Tag != "" && l.Tag != in.Tag:
			continue
		case l.Tag == "" && l.Ended:
			l.Tag, err = f.tagOf(ctx, l.Batch, in.Rows)
			if errors.Is(err, errSilent) && !f.tooYoung(in, l, listed.Waited) {
				listed.Candidates, listed.Window = append(listed.Candidates, l.Batch), 0
			}
			if err != nil && !errors.Is(err, errSilent) {
				return err
			}
		case l.Tag == "":
			if age := f.agedAtLeast(in, l); len(listed.Candidates) == 0 || age < listed.Aged {
				listed.Aged = age
			}
			listed.Candidates = append(listed.Candidates, l.Batch)
		}
		if l.Tag == in.Tag {
			listed.Batches = append(listed.Batches, l.Batch)
		}
	}
	return nil
}

// agedAtLeast returns the age of a batch, as far as the provider's word and the
// clock agree.
func (f *finder) agedAtLeast(in intent.Intent, l sink.Listing) time.Duration {
	return max(min(l.Age, f.clock.now().Sub(in.SentAt)), 0)
}

// alike lists all batches that could be the intent's, by their size and time.
// It reads the whole list before it compares any batch with the known ones. The
// owner of a batch that is created meanwhile is then known.
func (f *finder) alike(ctx context.Context, in intent.Intent, waited time.Duration) (found []sink.Listing, err error) {
	if !f.provider.Info().Lists {
		return nil, fmt.Errorf("%s keeps no tag with a batch and lists none, so the batch cannot be looked for: %w",
			f.provider.Info().Name, errors.ErrUnsupported)
	}
	from := f.clock.searchFrom(in, in.Open() && !f.clock.tellsTime() && in.Decides(f.grace, waited))
	for l, err := range f.provider.List(ctx, from) {
		if err != nil {
			return nil, err
		}
		early := !l.Created.IsZero() && l.Created.Before(from) || f.tooOld(in, l)
		late := !l.Ended && f.tooYoung(in, l, waited)
		if (l.Rows == 0 || l.Rows == in.Rows) && !early && !late {
			found = append(found, l)
		}
	}
	return found, nil
}

// tooOld reports whether a batch existed before this process sent the intent's.
// The batch's age shows that, whatever the clock says or said.
func (f *finder) tooOld(in intent.Intent, l sink.Listing) bool {
	if !in.Open() {
		return false
	}
	v := f.pollStates.of(in.Tag)
	return v.mine && l.Age > time.Since(v.began)+findSlack
}

// tooYoung reports whether a batch was made when the intent's could no longer
// be made. The batch's age shows that, whatever the clock says or said.
func (f *finder) tooYoung(in intent.Intent, l sink.Listing, waited time.Duration) bool {
	switch {
	case !in.Open():
		return false
	case l.Age > 0:
		return l.Age+f.grace+findSlack < waited
	}
	slack := findSlack
	if !f.clock.tellsTime() {
		slack = wideSlack
	}
	return l.Created.After(in.Appears(f.grace).Add(slack))
}

// prove checks a batch that was adopted as the only candidate: its rows show
// whose it is.
func (f *finder) prove(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := f.accounts.sameAccount(ctx, in); !same {
		return in, err
	}
	tag, err := f.tagOf(ctx, in.Batch, in.Rows)
	switch {
	case retry.ClassOf(err) == retry.Permanent && ctx.Err() == nil:
		return in, f.unproven(ctx, in, err)
	case err != nil:
		return in, f.calls.backOff(ctx, in, "prove", 0, err)
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
	d := max(f.poll, maxPoll)
	f.notices.raise(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Batch: in.Batch, Next: time.Now().Add(d),
		Text:   fmt.Sprintf("whether the batch is the run's cannot be told, as its results cannot be read: %v", err),
		Advice: "until they can, its rows are neither settled nor bought again; all others go on",
	})
	return f.calls.sleep(ctx, d)
}

// tagOf returns the tag of a batch that has ended, from the first row that has
// an id. It returns "" for a batch that is not ours, and for a batch without
// any row that ran. The error is errSilent if no row tells. A tag never
// changes, so it is read once.
func (f *finder) tagOf(ctx context.Context, batch string, rows int) (string, error) {
	if tag, ok := f.batches.batchOwners.tagOf(batch); ok {
		return tag, nil
	}
	tag, err := readTag(ctx, f.provider, batch)
	switch {
	case err == nil:
		f.batches.batchOwners.read(batch, tag)
	case errors.Is(err, errSilent):
		s, statusErr := f.provider.Status(ctx, sink.Handle{Batch: batch})
		if statusErr != nil {
			return "", statusErr
		}
		if s.Unaccounted(rows, 0, 0) == 0 || s.Total > 0 && s.Total != rows {
			return "", nil
		}
	}
	return tag, err
}

// errSilent means that it is not known yet whose a batch is.
var errSilent = retry.Mark(errors.New("no row of its results says whose it is"), retry.Permanent)
