package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/tag"
	"github.com/balerhq/baler/sink"
)

// readTag reads the tag of a batch that has ended. If the results are gone it
// returns no tag, because nobody removes the results of a batch that is still
// needed.
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
			return tag.OfRow(o.ID), nil
		}
	}
	return "", errSilent
}

// withoutRefused leaves out the batches that the provider has refused. An
// intent that was put off may have such batches, and none of their rows ran.
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
