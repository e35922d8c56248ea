package gemini

import (
	"context"
	"errors"
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

// maxLate is how long after its end the results of a batch may be late. After
// that they are gone, if they are not there.
const maxLate = 24 * time.Hour

// resultFormat is how a row of results is written.
var resultFormat = download.Format{Parse: parseLine, ID: "key"}

// Results implements sink.Provider. It streams the rows that are in the batch
// itself, and then those in its file of results. A row of the batch itself may
// lack its key; then its Outcome has the Line, if the list has as many elements
// as the batch has rows, and neither ID nor Line otherwise.
//
// A batch that has ended well has results: as long as they are not there, the
// error is Retryable. A day after the end it is Permanent, as they are gone.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		more, err := c.results(ctx, h.Batch, yield)
		if more && err != nil {
			yield(sink.Outcome{}, fmt.Errorf("gemini: results: %w", err))
		}
	}
}

// results yields the rows and reports whether more are wanted.
func (c *Client) results(ctx context.Context, name string, yield func(sink.Outcome, error) bool) (more bool, err error) {
	inline := c.inlineResults(name)
	more, err = inline.read(ctx, yield)
	o := &inline.operation
	switch {
	case !more || err != nil:
		return more, err
	case o.resultFile != "":
		more, err = c.resultsFile(ctx, o, yield)
	case o.hasEnded() && !o.inline && (o.state() == succeeded || o.state() == partial || o.state() != expired && o.counted() > 0):
		err = c.late(o, errors.New("it shows no results"))
	}
	if more && err == nil && !o.hasEnded() {
		err = fmt.Errorf("batch is %s: %w", loose.Words(o.state()), sink.ErrNotEnded)
	}
	return more, err
}

// resultsFile yields the rows of the file of results.
func (c *Client) resultsFile(ctx context.Context, o *operation, yield func(sink.Outcome, error) bool) (more bool, err error) {
	more, err = download.SuccessFirst(func(yield func(sink.Outcome, error) bool) (bool, error) {
		file := &download.File{
			Client: &c.client, Name: loose.Words(o.resultFile), Format: &resultFormat, Least: o.counted(),
			Call: httpclient.Call{Method: http.MethodGet, Path: filePath(o.resultFile) + ":download?alt=media"},
		}
		return file.Read(ctx, yield)
	}, yield)
	if noFile(err) || client.Status(err) == http.StatusGone {
		err = c.late(o, err)
	}
	return more, err
}

// late says whether results that are not there may still come.
func (c *Client) late(o *operation, err error) error {
	if o.ended.IsZero() || c.client.Age(o.ended.Time) < maxLate {
		return retry.Mark(fmt.Errorf("the results are late: %w", err), retry.Retryable)
	}
	return retry.Mark(fmt.Errorf("the results are gone, as the batch ended %s: %w", o.ended.UTC().Format(time.DateOnly), err), retry.Permanent)
}
