package anthropic

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/download"
	"github.com/balerhq/baler/sink/internal/loose"
)

// Results implements sink.Provider. Each row has a line, also one that was
// canceled or has expired. They are counted, because a stream that ends between
// two lines ends without an error.
//
// A download that breaks off is taken up where it was. A line that cannot be
// read, however often it is downloaded, is an Outcome without ID, but not the
// last one if it has no end, and none of a body that has no result in it. The
// results are always read from the service that the client calls, wherever the
// batch says that they are.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := c.batch(ctx, h.Batch, httpclient.Download)
		more := true
		switch {
		case err != nil:
		case !b.ended():
			err = fmt.Errorf("batch is %s: %w", loose.Words(b.state()), sink.ErrNotEnded)
		case c.archived(&b):
			err = errArchived
		default:
			more, err = c.download(ctx, h.Batch, &b, yield)
		}
		if err != nil && more {
			yield(sink.Outcome{}, fmt.Errorf("anthropic: results: %w", err))
		}
	}
}

func (c *Client) download(ctx context.Context, id string, b *batch, yield func(sink.Outcome, error) bool) (more bool, err error) {
	more, err = download.SuccessFirst(func(yield func(sink.Outcome, error) bool) (bool, error) {
		file := download.File{
			Client: &c.client, Name: "of " + loose.Words(id), Format: &resultFormat, Least: b.Counts.done(),
			Call: httpclient.Call{
				Method: http.MethodGet, Path: batchPath(id) + "/results", Header: http.Header{"Accept": {"application/x-jsonl"}},
			},
		}
		return file.Read(ctx, yield)
	}, yield)
	if client.Unserved(err) {
		err = retry.Mark(fmt.Errorf("they are not there yet: %w", err), retry.Retryable)
	}
	return more, err
}

// kept is for how long Anthropic keeps the results of a batch, counted from its
// creation.
const kept = 29 * 24 * time.Hour

// archived reports whether the results of a batch that has ended are gone.
// Those that have no URL and are younger are late.
func (c *Client) archived(b *batch) bool {
	return !b.ArchivedAt.IsZero() || string(b.ResultsURL) == "null" && c.client.Age(b.CreatedAt.Time) >= kept
}

var errArchived = &retry.Error{
	Class: retry.Permanent, Status: http.StatusGone, Code: "results_archived",
	Message: "the results are gone: the provider has kept them for 29 days from the creation of the batch",
}
