package durable

import "context"

// flushFirst is why a batch is made of rows that are asked before those that
// share their beginning.
const flushFirst = "first"

// prime buys the rows that are to be asked before others, and reports whether
// there were any. The rounds go on once their batches have ended.
func (pk *packer) prime(ctx, life context.Context) (bool, error) {
	if pk.canary.asks() {
		return false, nil // its rows are first
	}
	rows, err := pk.primer.first(ctx)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	pk.log.InfoContext(ctx, "rows are asked before others that share the beginning of their prompts", "rows", len(rows))
	if err := pk.batches.routes.choose(rows); err != nil {
		return false, err
	}
	return true, pk.buyGroups(ctx, life, rows, flushFirst)
}
