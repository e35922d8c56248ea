package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// batch is as much of a Batch object as is used. Compatible servers leave out
// fields, send null for them, or write statuses in other case.
type batch struct {
	ID         string    `json:"id"`
	Status     string    `json:"status"`
	InputFile  string    `json:"input_file_id"`
	OutputFile string    `json:"output_file_id"`
	ErrorFile  string    `json:"error_file_id"`
	CreatedAt  timestamp `json:"created_at"`
	Metadata   metadata  `json:"metadata"`
	Errors     struct {
		Data []batchError `json:"data"`
	} `json:"errors"`
	Counts struct {
		Total     int `json:"total"`
		Completed int `json:"completed"`
		Failed    int `json:"failed"`
	} `json:"request_counts"`
}

// metadata is what marks a batch as ours. What others write is not read.
type metadata struct {
	Tag string `json:"baler_tag"`
}

type batchError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param"`
	Line    int    `json:"line"`
}

func (b batch) status() string { return strings.ToLower(b.Status) }

// Create implements sink.Provider.
func (c *Client) Create(ctx context.Context, spec sink.Spec, file string, _ sink.Rows) (string, error) {
	var b batch
	err := c.api.Do(ctx, httpclient.Call{
		Method: http.MethodPost, Path: "/batches", Effect: retry.Create,
		JSON: map[string]any{
			"input_file_id":     file,
			"endpoint":          spec.Endpoint,
			"completion_window": "24h",
			"metadata":          metadata{spec.Tag},
		},
	}, &b)
	if err == nil && b.ID == "" {
		err = retry.Mark(errors.New("reply names no batch"), retry.Ambiguous)
	}
	if err != nil {
		return "", fmt.Errorf("openai: create batch: %w", err)
	}
	return b.ID, nil
}

// Check implements sink.Provider: it lists a single batch.
func (c *Client) Check(ctx context.Context) error {
	call := httpclient.Call{Method: http.MethodGet, Path: "/batches?limit=1"}
	if err := c.do(ctx, call, nil); err != nil {
		return fmt.Errorf("openai: check: %w", err)
	}
	return nil
}

func (c *Client) batch(ctx context.Context, id string) (b batch, err error) {
	call := httpclient.Call{Method: http.MethodGet, Path: "/batches/" + url.PathEscape(id)}
	err = c.do(ctx, call, &b)
	return b, err
}

// Status implements sink.Provider.
func (c *Client) Status(ctx context.Context, h sink.Handle) (sink.Status, error) {
	b, err := c.batch(ctx, h.Batch)
	if err != nil {
		return sink.Status{}, fmt.Errorf("openai: status: %w", err)
	}
	return sink.Status{
		Ended: b.ended(), Phase: b.status(), Err: b.refusal(),
		Total: b.Counts.Total, Succeeded: b.Counts.Completed, Failed: b.Counts.Failed,
	}, nil
}

func (b batch) ended() bool {
	switch b.status() {
	case "completed", "failed", "expired", "cancelled":
		return true
	}
	return false
}

// refusal is why validation failed, the first reason if there are several.
func (b batch) refusal() *sink.RowError {
	if b.status() != "failed" {
		return nil
	}
	if len(b.Errors.Data) == 0 {
		return &sink.RowError{Class: retry.Permanent, Code: "failed", Message: "the provider gave no reason"}
	}
	e := b.Errors.Data[0]
	return &sink.RowError{Class: e.class(), Code: e.Code, Message: e.text()}
}

func (e batchError) class() retry.Class {
	switch e.Code {
	case "token_limit_exceeded": // lifts when earlier batches end
		return retry.Retryable
	case "insufficient_quota", "billing_hard_limit_reached", "billing_not_active":
		return retry.Blocked
	}
	return retry.Permanent
}

func (e batchError) text() string {
	if e.Param == "" {
		return e.Message
	}
	return e.Message + " (" + e.Param + ")"
}

// Cancel implements sink.Provider.
func (c *Client) Cancel(ctx context.Context, h sink.Handle) error {
	call := httpclient.Call{Method: http.MethodPost, Path: "/batches/" + url.PathEscape(h.Batch) + "/cancel"}
	if err := c.do(ctx, call, nil); err != nil && status(err) != http.StatusConflict {
		return fmt.Errorf("openai: cancel: %w", err)
	}
	return nil
}

func status(err error) int {
	var e *retry.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func notFound(err error) bool { return status(err) == http.StatusNotFound }
