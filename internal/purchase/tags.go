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

// witnesses is how many rows say whose a batch is. A row of somebody else may
// stand among its results.
const witnesses = 20

// ReadTag returns the tag that most of the first results have which name a row.
// If the results are gone it returns no tag, because nobody removes the results
// of a batch that is still needed.
func ReadTag[O any](ctx context.Context, results iter.Seq2[O, error], rowID func(O) string) (string, error) {
	var tags []string
	for o, err := range results {
		switch {
		case err != nil && ctx.Err() != nil:
			return "", context.Cause(ctx)
		case err != nil && len(tags) > 0: // they say enough
			return mostFrequent(tags), nil
		case IsGone(err):
			return "", nil
		case err != nil:
			return "", err
		}
		if id := rowID(o); id != "" {
			tags = append(tags, tag.OfRow(id))
		}
		if len(tags) == witnesses {
			break
		}
	}
	if len(tags) == 0 {
		return "", ErrSilent
	}
	return mostFrequent(tags), nil
}

// mostFrequent returns the tag that occurs most often. If none at all is as
// frequent, the batch counts as that of the tag.
func mostFrequent(tags []string) (most string) {
	times := make(map[string]int)
	for _, t := range tags {
		times[t]++
	}
	for _, t := range tags {
		if n := times[t] - times[most]; n > 0 || n == 0 && most == "" {
			most = t
		}
	}
	return most
}

// IsGone reports whether the provider says that it has no such thing.
func IsGone(err error) bool {
	e, ok := errors.AsType[*retry.Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// IsLate reports whether the provider says that it does not have the results of
// a batch yet. Those of other batches can be read all the same.
func IsLate(err error) bool {
	if retry.ClassOf(err) != retry.Retryable {
		return false
	}
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Status == http.StatusNotFound || said.Status == http.StatusGone {
			return true
		}
	}
	return false
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
