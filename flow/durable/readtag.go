package durable

import (
	"context"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
)

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

// withoutRefused leaves out the batches that the provider has refused: of an
// intent that was put off there are such, and no row of them ran.
func withoutRefused(ctx context.Context, p sink.Provider, in intent.Intent, batches []string) (left []string, err error) {
	for _, b := range batches {
		if in.Owns(b) {
			left = append(left, b)
			continue
		}
		s, err := p.Status(ctx, sink.Handle{Batch: b})
		if err != nil {
			return nil, err
		}
		if !s.Ended || s.Err == nil {
			left = append(left, b)
		}
	}
	return left, nil
}
