package openai

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// Results implements sink.Provider. It streams the output file and then the
// error file; either may be missing. Last come the lines that were named as the
// reason why the batch failed validation.
//
// A download that breaks off is taken up where it was. A line that cannot be
// read, however often it is downloaded, is an Outcome without ID and Line, but
// not the last one if it has no end, and none of a body that has no result in
// it. If the output file cannot be read now, the error file is, before the
// error.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := c.batch(ctx, h.Batch, httpclient.Download)
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: %w", err))
			return
		}
		more, err := c.download(ctx, b, yield)
		if !more {
			return
		}
		if err != nil {
			yield(sink.Outcome{}, err)
			return
		}
		named := make(map[int]bool) // a line may be at fault in several ways
		for _, e := range b.Errors {
			if !e.ofLine() || named[e.Line] {
				continue
			}
			if named[e.Line] = true; !yield(e.outcome(), nil) {
				return
			}
		}
		if !b.ended() {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: batch is %s: %w", words(b.status()), sink.ErrNotEnded))
		}
	}
}

// download yields the rows of both files and reports whether more are wanted.
// What was counted and is not in the output file has to be in the other.
func (c *Client) download(ctx context.Context, b batch, yield func(sink.Outcome, error) bool) (more bool, err error) {
	output := download{client: c, file: b.OutputFile, least: b.Counts.Completed, rows: newTally(), yield: yield}
	if output.file != "" {
		err = output.run(ctx)
	}
	if output.stopped || ctx.Err() != nil || err != nil && !passes(err) {
		return !output.stopped, err
	}
	rest := b.Counts.Completed + b.Counts.Failed - len(output.rows.ticks)
	failed := download{client: c, file: b.ErrorFile, least: rest, rows: newTally(), yield: yield}
	if failed.file != "" {
		err = errors.Join(err, failed.run(ctx))
	}
	return !failed.stopped, err
}

// passes reports whether a file that cannot be read now may be read later.
func passes(err error) bool {
	gone := notFound(err) || status(err) == http.StatusGone
	return retry.ClassOf(err) == retry.Retryable || gone
}
