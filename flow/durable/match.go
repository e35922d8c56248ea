package durable

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// match finds the batch of a provider that keeps no tags: those that have ended
// say by the ids of their rows whether they are it, the others may be it.
func (e *engine) match(ctx context.Context, in intent.Intent) (ours, candidates []string, err error) {
	alike, err := e.alike(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range alike {
		if e.owners.has(l.Batch) {
			continue
		}
		if !l.Ended {
			candidates = append(candidates, l.Batch)
			continue
		}
		switch tag, err := e.tagOf(ctx, l.Batch); {
		case err != nil:
			return nil, nil, err
		case tag == in.Tag:
			ours = append(ours, l.Batch)
		}
	}
	return ours, candidates, nil
}

// alike lists all batches that could be the intent's, by their size and time. It
// asks for the whole list before any is compared with what is known: of a batch
// that is created meanwhile it is then known whose it is.
func (e *engine) alike(ctx context.Context, in intent.Intent) (found []sink.Listing, err error) {
	lister, ok := e.provider.(sink.Lister)
	if !ok {
		return nil, fmt.Errorf("%s keeps no tag with a batch and lists none, so the batch cannot be looked for: %w",
			e.provider.Name(), errors.ErrUnsupported)
	}
	from, to := in.Since.Add(-findSlack), in.Appears(e.grace).Add(findSlack)
	for l, err := range lister.List(ctx, from) {
		if err != nil {
			return nil, err
		}
		late := in.Open() && !l.Ended && l.Created.After(to)
		if (l.Rows == 0 || l.Rows == in.Rows) && (l.Created.IsZero() || !l.Created.Before(from)) && !late {
			found = append(found, l)
		}
	}
	return found, nil
}

// prove finds out whose rows a batch has that was adopted because it could be
// nobody else's.
func (e *engine) prove(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if same, err := e.sameAccount(ctx, in); !same {
		return in, err
	}
	tag, err := e.tagOf(ctx, in.Batch)
	switch {
	case err != nil:
		return in, e.hold(ctx, in, "prove", 0, err)
	case tag == in.Tag:
		return e.advance(ctx, in, intent.Proven{})
	}
	e.log.WarnContext(ctx, "the batch is somebody else's: is the workspace exclusive?", "tag", in.Tag, "batch", in.Batch)
	return e.advance(ctx, in, intent.Disowned{})
}

// tagOf is the tag of a batch that has ended, by the first row that tells, or ""
// if it is none of ours. It never changes, so it is read once.
func (e *engine) tagOf(ctx context.Context, batch string) (string, error) {
	if tag, ok := e.owners.tagOf(batch); ok {
		return tag, nil
	}
	tag, err := readTag(ctx, e.provider, batch)
	if err == nil {
		e.owners.read(batch, tag)
	}
	return tag, err
}

// readTag reads the tag of a batch that has ended. One whose results are gone
// has none.
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
			return rowTag(o.ID), nil
		}
	}
	return "", nil
}

// isGone reports whether the provider says that it has no such thing.
func isGone(err error) bool {
	e, ok := errors.AsType[*retry.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}
