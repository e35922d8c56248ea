package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

// Check implements sink.Provider: it lists a single batch.
func (c *Client) Check(ctx context.Context) error {
	err := c.client.Repeat(ctx, func(ctx context.Context) error {
		_, err := c.batchesOnce(ctx, "?pageSize=1")
		return err
	})
	if err != nil {
		return fmt.Errorf("gemini: check: %w", err)
	}
	return nil
}

// batch reads the batch, without its results.
func (c *Client) batch(ctx context.Context, name string, why httpclient.Kind) (o operation, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		o, err = c.batchOnce(ctx, name, why)
		return err
	})
	return o, err
}

// batchOnce passes over the results in the reply, however many there are.
func (c *Client) batchOnce(ctx context.Context, name string, why httpclient.Kind) (operation, error) {
	reply, err := c.client.Stream(ctx, httpclient.Call{Method: http.MethodGet, Path: batchPath(name), Kind: why})
	if err != nil {
		return operation{}, err
	}
	defer reply.Close()
	v, err := extract(reply, visitor{})
	if err != nil {
		return operation{}, err
	}
	o := parseOperation(v)
	if err = o.isFor(name); err == nil {
		observe(ctx, v)
	}
	return o, err
}

// observe shows a batch to an observer, see sink.ObserveRaw.
func observe(ctx context.Context, v jsontext.Value) {
	if observe := sink.RawObserver(ctx); observe != nil {
		observe(sink.RawBatch, v)
	}
}

// isFor is an error if the operation is another one. What is said of that says
// nothing about ours.
func (o *operation) isFor(name string) error {
	if o.name != "" && batchPath(o.name) != batchPath(name) {
		return retry.Mark(errors.New("the reply is about another batch"), retry.Retryable)
	}
	return nil
}

// endedBatch looks a few times, as a reply may be older than one before it. The
// error is Permanent if the batch has not ended: only time can help.
func (c *Client) endedBatch(ctx context.Context, name string, why httpclient.Kind) (o operation, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if o, err = c.batchOnce(ctx, name, why); err == nil && !o.hasEnded() {
			err = fmt.Errorf("batch is %s: %w", loose.Words(o.state()), sink.ErrNotEnded)
		}
		return err
	})
	if errors.Is(err, sink.ErrNotEnded) {
		err = retry.Mark(err, retry.Permanent)
	}
	return o, err
}

// Status implements sink.Provider.
func (c *Client) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	o, err := c.batch(ctx, h.Batch, httpclient.Poll)
	if err != nil {
		return sink.Status{}, fmt.Errorf("gemini: status: %w", err)
	}
	return sink.Status{
		Ended: o.hasEnded(), Phase: loose.Words(o.state()), Unknown: !o.hasEnded() && !o.isRunning(), Accepted: o.isAccepted(),
		Err:   c.refusal(ctx, &o, h.File),
		Total: o.counts.total, Succeeded: o.counts.succeeded, Failed: o.counts.failed, NotRun: o.notRun(),
		Age: c.client.Age(o.created.Time),
	}, nil
}

// refusal is why the batch failed before any row ran, nil if it did not. One
// with rows that ran was not refused, even if the account is blocked by now:
// its results are paid for.
func (c *Client) refusal(ctx context.Context, o *operation, file string) *sink.RowError {
	if o.state() != failed || o.ran() {
		return nil
	}
	e := o.failure.refusal()
	if o.failure.status == http.StatusNotFound && c.isGone(ctx, file) {
		e.Cause = sink.ErrFileGone
	}
	return e
}

// Cancel implements sink.Provider.
func (c *Client) Cancel(ctx context.Context, h sink.Handle) error {
	err := c.client.Do(ctx, httpclient.Call{Method: http.MethodPost, Path: batchPath(h.Batch) + ":cancel"}, nil)
	if status := client.Status(err); status == http.StatusBadRequest || status == http.StatusConflict {
		switch o, unread := c.batch(ctx, h.Batch, httpclient.Other); {
		case unread != nil:
			err = client.Because(unread, err)
		case o.hasEnded():
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("gemini: cancel: %w", err)
	}
	return nil
}

// Remove implements sink.Provider: it deletes the input file and, if the handle
// names the batch, its file of results and the batch. Some files of results
// cannot be deleted, since their IDs are too long for the API: these go by
// themselves. If the batch has not ended, the error is sink.ErrNotEnded.
func (c *Client) Remove(ctx context.Context, h sink.Handle) error {
	if err := c.remove(ctx, h); err != nil {
		return fmt.Errorf("gemini: remove: %w", err)
	}
	return nil
}

func (c *Client) remove(ctx context.Context, h sink.Handle) error {
	if h.Batch == "" {
		return c.deleteFile(ctx, h.File)
	}
	o, err := c.endedBatch(ctx, h.Batch, httpclient.Delete)
	if err != nil && !client.NotFound(err) {
		return err
	}
	if err := c.deleteFile(ctx, o.resultFile); err != nil && client.Status(err) != http.StatusBadRequest {
		return err
	}
	for _, name := range []string{h.File, o.inputFile} {
		if err := c.deleteFile(ctx, name); err != nil {
			return err
		}
	}
	call := httpclient.Call{Method: http.MethodDelete, Path: batchPath(h.Batch), Kind: httpclient.Delete}
	if err := c.client.Do(ctx, call, nil); err != nil && !client.NotFound(err) {
		return err
	}
	return nil
}

// deleteFile deletes a file, if there is one.
func (c *Client) deleteFile(ctx context.Context, name string) error {
	if name == "" {
		return nil
	}
	err := c.client.Do(ctx, httpclient.Call{Method: http.MethodDelete, Path: filePath(name), Kind: httpclient.Delete}, nil)
	if noFile(err) {
		return nil
	}
	return err
}
