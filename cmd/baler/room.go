package main

import (
	"github.com/spf13/cobra"

	"github.com/balerhq/baler/sink"
)

// room are the flags that bound what the batches of a run have enqueued at the
// provider.
type room struct {
	tokens, batchTokens int64
	rows                int
}

func (r *room) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Int64Var(&r.tokens, "enqueued-tokens", 0, "most input tokens of the model that the account may have in unfinished batches, by an estimate of four bytes a token; a batch waits until it fits (default: as the provider says, or as its refusals teach)")
	f.IntVar(&r.rows, "enqueued-rows", 0, "most rows that the account may have in unfinished batches (default: as for --enqueued-tokens)")
	f.Int64Var(&r.batchTokens, "batch-tokens", 0, "most input tokens in a batch, by the same estimate (default: no more than --enqueued-tokens)")
}

// validate refuses what was given and makes no sense: what was not is 0.
func (r *room) validate(given func(flag string) bool) error {
	for _, flag := range []struct {
		name  string
		value int64
	}{
		{"enqueued-tokens", r.tokens},
		{"enqueued-rows", int64(r.rows)},
		{"batch-tokens", r.batchTokens},
	} {
		if flag.value < 1 && given(flag.name) {
			return usage("--%s is %d: must be at least 1", flag.name, flag.value)
		}
	}
	return nil
}

// enqueued is what the run knows of the account's limits.
func (r *room) enqueued() sink.Enqueued { return sink.Enqueued{Tokens: r.tokens, Rows: r.rows} }
