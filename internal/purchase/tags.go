package purchase

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/retry"
)

// ErrSilent means that it is not known yet whose a batch is.
var ErrSilent = retry.Mark(errors.New("no row of its results says whose it is"), retry.Permanent)

// ReadTag returns the tag of a batch that has ended, from the first of its
// results that names a row. If the results are gone it returns no tag, because
// nobody removes the results of a batch that is still needed.
func ReadTag[O any](ctx context.Context, results iter.Seq2[O, error], rowID func(O) string) (string, error) {
	for o, err := range results {
		switch {
		case err != nil && ctx.Err() != nil:
			return "", context.Cause(ctx)
		case IsGone(err):
			return "", nil
		case err != nil:
			return "", err
		}
		if id := rowID(o); id != "" {
			return tag.OfRow(id), nil
		}
	}
	return "", ErrSilent
}

// IsGone reports whether the provider says that it has no such thing.
func IsGone(err error) bool {
	e, ok := errors.AsType[*retry.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// WithoutRefused leaves out the batches that the provider has refused. An
// intent that was put off may have such batches, and none of their rows ran.
func WithoutRefused(in intent.Intent, batches []string, refused func(batch string) (bool, error)) (left []string, err error) {
	for _, b := range batches {
		if !in.Owns(b) {
			no, err := refused(b)
			if err != nil {
				return nil, err
			}
			if no {
				continue
			}
		}
		left = append(left, b)
	}
	return left, nil
}
