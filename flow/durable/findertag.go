package durable

import (
	"context"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/sink"
)

// readTag reads the tag of a batch that has ended from its results.
func readTag(ctx context.Context, p sink.Provider, batch string) (string, error) {
	return purchase.ReadTag(ctx, p.Results(ctx, sink.Handle{Batch: batch}), func(o sink.Outcome) string { return o.ID })
}

// withoutRefused leaves out the batches that the provider has refused.
func withoutRefused(ctx context.Context, p sink.Provider, in intent.Intent, batches []string) ([]string, error) {
	return purchase.WithoutRefused(in, batches, func(batch string) (bool, error) {
		s, err := p.Status(ctx, sink.Handle{Batch: batch})
		return s.Ended && s.Err != nil, err
	})
}
