package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

// batch is as much of a Batch object as is used. Compatible servers leave out
// fields, send null for them, or write statuses in other case.
type batch struct {
	ID         string          `json:"id"`
	Status     string          `json:"status"`
	InputFile  string          `json:"input_file_id"`
	OutputFile string          `json:"output_file_id"`
	ErrorFile  string          `json:"error_file_id"`
	CreatedAt  loose.Timestamp `json:"created_at"`
	Metadata   client.Metadata `json:"metadata"`
	Errors     refusals        `json:"errors"`
	Counts     counts          `json:"request_counts"`
}

// counts are of rows.
type counts struct {
	Total, Completed, Failed int

	known bool // there are any
}

// UnmarshalJSON notes whether there are counts at all. What is of another type
// is none.
func (c *counts) UnmarshalJSON(b []byte) error {
	var read struct{ Total, Completed, Failed *int }
	if json.Unmarshal(b, &read) != nil {
		read.Total, read.Completed, read.Failed = nil, nil, nil
	}
	*c = counts{known: read.Total != nil && read.Completed != nil}
	for _, field := range []struct{ to, from *int }{{&c.Total, read.Total}, {&c.Completed, read.Completed}, {&c.Failed, read.Failed}} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	return nil
}

// notRun is how many rows never ran: those that an ended batch does not count,
// and all of one that was refused, or stopped before it counted one. A batch
// that is completed has counted some, or its counts are late.
func (b batch) notRun() int {
	c := b.Counts
	switch stopped := b.ended() && b.status() != "completed"; {
	case !b.ended():
		return 0
	case b.status() == "failed" && !b.ran():
		return math.MaxInt
	case !stopped && c.Completed+c.Failed == 0:
		return 0
	case c.Total > 0:
		return max(c.Total-c.Completed-c.Failed, 0)
	case c.known && c.Completed+c.Failed == 0:
		return math.MaxInt
	}
	return 0
}

// UnmarshalJSON implements json.Unmarshaler: a member of another type than it
// should be is as good as none, and an id may be a number.
func (b *batch) UnmarshalJSON(data []byte) error {
	type plain batch
	return loose.Members(data, (*plain)(b), &b.ID)
}

// parseBatch reads an item of a list as far as it can be read.
func parseBatch(item json.RawMessage) (b batch) {
	_ = b.UnmarshalJSON(item) // it is JSON, as it was a part of some
	return b
}

func (b batch) status() string { return strings.ToLower(b.Status) }

// creation is what creates a batch.
type creation struct {
	InputFile  string          `json:"input_file_id"`
	Endpoint   string          `json:"endpoint"`
	Window     string          `json:"completion_window"`
	Metadata   client.Metadata `json:"metadata"`
	OutputLife *life           `json:"output_expires_after,omitempty"`
}

// life is when a file expires.
type life struct {
	Anchor  string `json:"anchor"`
	Seconds int64  `json:"seconds"`
}

// lifeOf is nil if OpenAI decides.
func lifeOf(d time.Duration) *life {
	if d == 0 {
		return nil
	}
	return &life{"created_at", int64(d / time.Second)}
}

// Create implements sink.Provider.
func (c *Client) Create(ctx context.Context, spec sink.Spec, file string, _ sink.Rows) (string, error) {
	var b batch
	err := c.client.Once(ctx, httpclient.Call{
		Method: http.MethodPost, Path: "/batches", Effect: retry.EffectCreate, Kind: httpclient.Create,
		JSON: creation{
			InputFile: file, Endpoint: spec.Endpoint, Window: "24h", Metadata: client.Metadata{Tag: spec.Tag},
			OutputLife: lifeOf(c.cfg.OutputLife),
		},
	}, &b)
	if err == nil && b.ID == "" {
		err = retry.Mark(errors.New("reply names no batch"), retry.Ambiguous)
	}
	if err != nil {
		return "", fmt.Errorf("openai: create batch: %w", c.explain(ctx, err, file))
	}
	if b.Metadata.Tag == spec.Tag {
		c.echoes.Store(true)
	}
	return b.ID, nil
}

// Check implements sink.Provider: it lists a single batch.
func (c *Client) Check(ctx context.Context) error {
	call := httpclient.Call{Method: http.MethodGet, Path: "/batches?limit=1"}
	if err := c.client.Do(ctx, call, nil); err != nil {
		return fmt.Errorf("openai: check: %w", err)
	}
	return nil
}

// batch reads the batch. What is said of another one says nothing about it.
func (c *Client) batch(ctx context.Context, id string, why httpclient.Kind) (b batch, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		b, err = c.batchOnce(ctx, id, why)
		return err
	})
	return b, err
}

func (c *Client) batchOnce(ctx context.Context, id string, why httpclient.Kind) (b batch, err error) {
	call := httpclient.Call{Method: http.MethodGet, Path: "/batches/" + url.PathEscape(id), Kind: why}
	err = c.client.Batch(ctx, call, id, &b, func() string { return b.ID })
	return b, err
}

// endedBatch looks a few times, as a reply may be older than one before it. The
// error is Permanent if the batch has not ended: only time can help.
func (c *Client) endedBatch(ctx context.Context, id string, why httpclient.Kind) (b batch, err error) {
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if b, err = c.batchOnce(ctx, id, why); err == nil && !b.ended() {
			err = fmt.Errorf("batch is %s: %w", b.status(), sink.ErrNotEnded)
		}
		return err
	})
	if errors.Is(err, sink.ErrNotEnded) {
		err = retry.Mark(err, retry.Permanent)
	}
	return b, err
}

// Status implements sink.Provider.
func (c *Client) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	b, err := c.batch(ctx, h.Batch, httpclient.Poll)
	if err != nil {
		return sink.Status{}, fmt.Errorf("openai: status: %w", err)
	}
	c.endings.note(b)
	return sink.Status{
		Ended: b.ended(), Phase: loose.Words(b.status()), Unknown: !b.ended() && !b.running(), Accepted: b.accepted(),
		Err:   c.refusal(ctx, b),
		Total: b.Counts.Total, Succeeded: b.Counts.Completed, Failed: b.Counts.Failed, NotRun: b.notRun(), Age: c.client.Age(b.CreatedAt.Time),
	}, nil
}

func (b batch) ended() bool {
	switch b.status() {
	case "completed", "failed", "expired", "cancelled":
		return true
	}
	return false
}

func (b batch) running() bool {
	switch b.status() {
	case "validating", "in_progress", "finalizing", "cancelling":
		return true
	}
	return false
}

// Cancel implements sink.Provider.
func (c *Client) Cancel(ctx context.Context, h sink.Handle) error {
	call := httpclient.Call{Method: http.MethodPost, Path: "/batches/" + url.PathEscape(h.Batch) + "/cancel"}
	if err := c.client.Do(ctx, call, nil); err != nil && client.Status(err) != http.StatusConflict {
		return fmt.Errorf("openai: cancel: %w", err)
	}
	return nil
}
