package durable

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// match finds the batch of a provider that keeps no tags: those that have ended
// say by the ids of their rows whether they are it, the others may be it. So may
// one that has ended and does not say: however long ago that was, nothing is sent
// again because of the time.
func (e *engine) match(ctx context.Context, in intent.Intent, listed *intent.Listed) error {
	alike, err := e.alike(ctx, in, listed.Waited)
	if err != nil {
		return err
	}
	for _, l := range alike {
		switch {
		case e.owners.has(l.Batch), l.Tag != "" && l.Tag != in.Tag:
			continue
		case l.Tag == "" && l.Ended:
			l.Tag, err = e.tagOf(ctx, l.Batch, in.Rows)
			if errors.Is(err, errSilent) && !e.tooYoung(in, l, listed.Waited) {
				listed.Candidates, listed.Window = append(listed.Candidates, l.Batch), 0
			}
			if err != nil && !errors.Is(err, errSilent) {
				return err
			}
		case l.Tag == "":
			if age := e.agedAtLeast(in, l); len(listed.Candidates) == 0 || age < listed.Aged {
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

// agedAtLeast is how old a batch is, as far as the provider's word and the clock
// agree.
func (e *engine) agedAtLeast(in intent.Intent, l sink.Listing) time.Duration {
	return max(min(l.Age, e.now().Sub(in.SentAt)), 0)
}

// alike lists all batches that could be the intent's, by their size and time. It
// asks for the whole list before any is compared with what is known: of a batch
// that is created meanwhile it is then known whose it is.
func (e *engine) alike(ctx context.Context, in intent.Intent, waited time.Duration) (found []sink.Listing, err error) {
	lister, ok := e.provider.(sink.Lister)
	if !ok {
		return nil, fmt.Errorf("%s keeps no tag with a batch and lists none, so the batch cannot be looked for: %w",
			e.provider.Name(), errors.ErrUnsupported)
	}
	from := e.lookBack(in, in.Open() && !e.tellsTime() && in.Decides(e.grace, waited))
	for l, err := range lister.List(ctx, from) {
		if err != nil {
			return nil, err
		}
		early := !l.Created.IsZero() && l.Created.Before(from) || e.tooOld(in, l)
		late := !l.Ended && e.tooYoung(in, l, waited)
		if (l.Rows == 0 || l.Rows == in.Rows) && !early && !late {
			found = append(found, l)
		}
	}
	return found, nil
}

// tooOld reports whether a batch was there before the intent's was sent, by this
// process: that its age tells whatever the clock says, or was.
func (e *engine) tooOld(in intent.Intent, l sink.Listing) bool {
	if !in.Open() {
		return false
	}
	v := e.vigils.of(in.Tag)
	return v.mine && l.Age > time.Since(v.began)+findSlack
}

// tooYoung reports whether a batch was made when the intent's could no longer
// be. By its age that is told whatever the clock says, or was.
func (e *engine) tooYoung(in intent.Intent, l sink.Listing, waited time.Duration) bool {
	switch {
	case !in.Open():
		return false
	case l.Age > 0:
		return l.Age+e.grace+findSlack < waited
	}
	slack := findSlack
	if !e.tellsTime() {
		slack = farBack
	}
	return l.Created.After(in.Appears(e.grace).Add(slack))
}

// prove finds out whose rows a batch has that was adopted because it could be
// nobody else's.
func (e *engine) prove(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := e.sameAccount(ctx, in); !same {
		return in, err
	}
	tag, err := e.tagOf(ctx, in.Batch, in.Rows)
	switch {
	case retry.ClassOf(err) == retry.Permanent && ctx.Err() == nil:
		return in, e.unproven(ctx, in, err)
	case err != nil:
		return in, e.hold(ctx, in, "prove", 0, err)
	}
	e.untell(NoticeUnclear, in.Tag)
	if tag == in.Tag {
		return e.advance(ctx, in, intent.Proven{})
	}
	e.log.WarnContext(ctx, "the batch is somebody else's: is the workspace exclusive?", "tag", in.Tag, "batch", in.Batch)
	return e.advance(ctx, in, intent.Disowned{})
}

// unproven waits, as it cannot be read whose rows a batch has: it is read again,
// for as long as it takes, while all others go on.
func (e *engine) unproven(ctx context.Context, in intent.Intent, err error) error {
	d := max(e.config.poll, maxPoll)
	e.tell(ctx, Notice{
		Kind: NoticeUnclear, Tag: in.Tag, Batch: in.Batch, Next: time.Now().Add(d),
		Text:   fmt.Sprintf("whether the batch is the run's cannot be told, as its results cannot be read: %v", err),
		Advice: "until they can, its rows are neither settled nor bought again; all others go on",
	})
	return e.sleep(ctx, d)
}

// tagOf is the tag of a batch that has ended, by the first row that tells, or ""
// if it is none of ours, or one of which no row ran. The error is errSilent if it
// does not tell. A tag never changes, so it is read once.
func (e *engine) tagOf(ctx context.Context, batch string, rows int) (string, error) {
	if tag, ok := e.owners.tagOf(batch); ok {
		return tag, nil
	}
	tag, err := readTag(ctx, e.provider, batch)
	switch {
	case err == nil:
		e.owners.read(batch, tag)
	case errors.Is(err, errSilent):
		s, statusErr := e.provider.Status(ctx, sink.Handle{Batch: batch})
		if statusErr != nil {
			return "", statusErr
		}
		if s.Unaccounted(rows, 0, 0) == 0 || s.Total > 0 && s.Total != rows {
			return "", nil
		}
	}
	return tag, err
}

// errSilent means that nobody can tell yet whose a batch is.
var errSilent = retry.Mark(errors.New("no row of its results says whose it is"), retry.Permanent)

// readTag reads the tag of a batch that has ended. One whose results are gone
// has none, as nobody removes what is still looked for.
func readTag(ctx context.Context, p sink.Provider, batch string) (string, error) {
	for o, err := range p.Results(ctx, sink.Handle{Batch: batch}) {
		switch {
		case err != nil && ctx.Err() != nil:
			return "", context.Cause(ctx)
		case isGone(err):
			return "", nil
		case err != nil:
			return "", err
		case o.ID != "":
			return jobdir.RowTag(o.ID), nil
		}
	}
	return "", errSilent
}

// isGone reports whether the provider says that it has no such thing.
func isGone(err error) bool {
	e, ok := errors.AsType[*retry.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}
