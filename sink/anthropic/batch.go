package anthropic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

const batchesPath = "/v1/messages/batches"

func batchPath(id string) string { return batchesPath + "/" + url.PathEscape(id) }

// batch is as much of a message batch as is used.
type batch struct {
	ID         string          `json:"id"`
	State      string          `json:"processing_status"`
	CreatedAt  loose.Timestamp `json:"created_at"`
	ArchivedAt loose.Timestamp `json:"archived_at"`
	ResultsURL json.RawMessage `json:"results_url"` // never called: it may lead to another host
	Counts     counts          `json:"request_counts"`
}

// UnmarshalJSON implements json.Unmarshaler: a member of another type than it
// should be is as good as none.
func (b *batch) UnmarshalJSON(data []byte) error {
	type plain batch
	err := json.Unmarshal(data, (*plain)(b))
	if _, odd := errors.AsType[*json.UnmarshalTypeError](err); odd {
		return nil
	}
	return err
}

// counts are of rows. All but Processing stay 0 until the batch has ended.
type counts struct {
	Processing loose.Number `json:"processing"`
	Succeeded  loose.Number `json:"succeeded"`
	Errored    loose.Number `json:"errored"`
	Canceled   loose.Number `json:"canceled"`
	Expired    loose.Number `json:"expired"`
}

// rows is a count as it can be worked with.
func rows(n loose.Number) int { return int(min(max(n, 0), math.MaxInt32)) }

func (c counts) notRun() int { return rows(c.Canceled) + rows(c.Expired) }

// done is how many rows have a result.
func (c counts) done() int { return rows(c.Succeeded) + rows(c.Errored) + c.notRun() }

func (c counts) total() int { return rows(c.Processing) + c.done() }

func (b *batch) state() string { return strings.ToLower(b.State) }

func (b *batch) ended() bool { return b.state() == "ended" }

func (b *batch) running() bool {
	switch b.state() {
	case "in_progress", "canceling", "cancelling":
		return true
	}
	return false
}

// Check implements sink.Provider: it lists a single batch.
func (c *Client) Check(ctx context.Context) error {
	call := httpclient.Call{Method: http.MethodGet, Path: batchesPath + "?limit=1"}
	if err := c.client.Do(ctx, call, nil); err != nil {
		return fmt.Errorf("anthropic: check: %w", err)
	}
	return nil
}

// batch reads the batch. What is said of another one says nothing about it.
func (c *Client) batch(ctx context.Context, id string, why httpclient.Kind) (b batch, err error) {
	call := httpclient.Call{Method: http.MethodGet, Path: batchPath(id), Kind: why}
	err = c.client.Repeat(ctx, func(ctx context.Context) error {
		b = batch{}
		return c.client.Batch(ctx, call, id, &b, func() string { return b.ID })
	})
	return b, err
}

// Status implements sink.Provider. A batch that exists is accepted: its rows
// are validated one by one when they run.
func (c *Client) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	b, err := c.batch(ctx, h.Batch, httpclient.Poll)
	if err != nil {
		return sink.Status{}, fmt.Errorf("anthropic: status: %w", err)
	}
	s := sink.Status{
		Ended: b.ended(), Phase: loose.Words(b.state()), Unknown: !b.ended() && !b.running(), Accepted: true,
		Total: b.Counts.total(), Succeeded: rows(b.Counts.Succeeded), Failed: rows(b.Counts.Errored),
		Age: c.client.Age(b.CreatedAt.Time),
	}
	if s.Ended {
		s.NotRun = b.Counts.notRun()
	}
	return s, nil
}

// Cancel implements sink.Provider.
func (c *Client) Cancel(ctx context.Context, h sink.Handle) error {
	call := httpclient.Call{Method: http.MethodPost, Path: batchPath(h.Batch) + "/cancel"}
	err := c.client.Do(ctx, call, nil)
	if refused(err) {
		b, unread := c.batch(ctx, h.Batch, httpclient.Unpaced)
		switch {
		case unread != nil:
			err = client.Because(unread, err)
		case b.ended():
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("anthropic: cancel: %w", err)
	}
	return nil
}

// Remove implements sink.Provider: it deletes the batch and its results, once
// it has ended; before that the error is sink.ErrNotEnded. Nothing is stored
// under a file.
func (c *Client) Remove(ctx context.Context, h sink.Handle) error {
	if h.Batch == "" {
		return nil
	}
	call := httpclient.Call{Method: http.MethodDelete, Path: batchPath(h.Batch), Kind: httpclient.Delete}
	err := c.client.Do(ctx, call, nil)
	if err == nil || client.NotFound(err) {
		return nil
	}
	if refused(err) {
		b, unread := c.batch(ctx, h.Batch, httpclient.Unpaced)
		switch {
		case unread != nil:
			err = client.Because(unread, err)
		case !b.ended():
			err = retry.Mark(fmt.Errorf("batch is %s: %w: %w", loose.Words(b.state()), sink.ErrNotEnded, err), retry.Permanent)
		}
	}
	return fmt.Errorf("anthropic: remove: %w", err)
}

// refused reports whether the provider says that a batch is not in the state
// for a call. How it says so is not documented.
func refused(err error) bool {
	switch client.Status(err) {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return retry.ClassOf(err) == retry.Permanent
	}
	return false
}
