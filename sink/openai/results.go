package openai

import (
	"context"
	"fmt"
	"iter"

	"github.com/balerhq/baler/sink"
)

// Results implements sink.Provider. It streams the output file and then the
// error file; either may be missing. Last come the lines that were named as the
// reason why the batch failed validation.
//
// A download that breaks off is taken up where it was. A line that cannot be
// read, however often it is downloaded, is an Outcome without ID and Line.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := c.batch(ctx, h.Batch)
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: %w", err))
			return
		}
		for _, d := range []download{
			{client: c, file: b.OutputFile, least: b.Counts.Completed, yield: yield},
			{client: c, file: b.ErrorFile, yield: yield},
		} {
			if d.file != "" && !d.run(ctx) {
				return
			}
		}
		named := make(map[int]bool) // a line may be at fault in several ways
		for _, e := range b.Errors.Data {
			if e.Line > 0 && !named[e.Line] && !yield(e.outcome(), nil) {
				return
			}
			named[e.Line] = true
		}
		if !b.ended() {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: batch is %s: %w", words(b.status()), sink.ErrNotEnded))
		}
	}
}

func (e batchError) outcome() sink.Outcome {
	return sink.Outcome{Line: e.Line, Err: e.rowError()}
}
