package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/balerhq/baler/flow/durable"
)

// removeKept removes what the provider still stores of runs that have ended.
func (o *doctorOptions) removeKept(ctx context.Context, log *slog.Logger) ([]durable.Removal, error) {
	provider, store, err := o.open(ctx, log)
	if err != nil {
		return nil, err
	}
	all, err := durable.RemoveKept(ctx, provider, store)
	return all, errors.Join(err, store.Close())
}

func tellRemovals(w io.Writer, removals []durable.Removal) {
	for _, r := range removals {
		fmt.Fprintf(w, "%s: the files of %s batches are removed at the provider\n", r.Name, thousands(r.Removed))
		if r.Reason != "" {
			fmt.Fprintf(w, "%s: %s\n", r.Name, r.Reason)
		}
	}
}
