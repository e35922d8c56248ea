package openai

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// maxLine bounds one line of a result file.
const maxLine = 64 << 20

// Results implements sink.Provider. It streams the output file and then the
// error file; either may be missing. Of a batch that failed validation it
// yields the lines that were named as the reason.
func (c *Client) Results(ctx context.Context, h sink.Handle) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		b, err := c.batch(ctx, h.Batch)
		if err == nil && !b.ended() {
			err = retry.Mark(fmt.Errorf("batch is %s", b.status()), retry.Retryable)
		}
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("openai: results: %w", err))
			return
		}
		for _, e := range b.Errors.Data {
			if e.Line > 0 && !yield(e.outcome(), nil) {
				return
			}
		}
		if c.file(ctx, b.OutputFile, b.Counts.Completed, yield) {
			c.file(ctx, b.ErrorFile, 0, yield)
		}
	}
}

func (e batchError) outcome() sink.Outcome {
	return sink.Outcome{Line: e.Line, Err: &sink.RowError{Class: e.class(), Code: e.Code, Message: e.text()}}
}

// file yields the lines of a result file, of which there must be at least
// least. It reports whether to go on.
func (c *Client) file(ctx context.Context, id string, least int, yield func(sink.Outcome, error) bool) bool {
	if id == "" {
		return true
	}
	body, err := c.content(ctx, id)
	if err != nil {
		return yield(sink.Outcome{}, fmt.Errorf("openai: download: %w", err))
	}
	defer body.Close()
	r := bufio.NewReaderSize(body, 256<<10)
	for n := 1; ; n++ {
		line, err := readLine(r)
		switch {
		case errors.Is(err, io.EOF) && n > least:
			return true
		case errors.Is(err, io.EOF):
			err = retry.Mark(fmt.Errorf("file ends after %d of %d rows", n-1, least), retry.Retryable)
			fallthrough
		case err != nil:
			yield(sink.Outcome{}, fmt.Errorf("openai: download %s: %w", id, err))
			return false
		}
		o, err := parseLine(line)
		if err != nil {
			yield(sink.Outcome{}, fmt.Errorf("openai: download %s: line %d: %w", id, n, err))
			return false
		}
		if !yield(o, nil) {
			return false
		}
	}
}

func (c *Client) content(ctx context.Context, id string) (io.ReadCloser, error) {
	call := httpclient.Call{Method: http.MethodGet, Path: "/files/" + url.PathEscape(id) + "/content"}
	return retry.DoValue(ctx, c.cfg.Retry, func(ctx context.Context) (io.ReadCloser, error) {
		return c.api.Stream(ctx, call)
	})
}

// readLine returns the next line that is not blank, valid until the next call;
// io.EOF after the last. A file need not end in a newline.
func readLine(r *bufio.Reader) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line, err = readLong(r, line)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func readLong(r *bufio.Reader, start []byte) ([]byte, error) {
	long := bytes.Clone(start)
	for {
		more, err := r.ReadSlice('\n')
		if long = append(long, more...); len(long) > maxLine {
			return nil, retry.Mark(fmt.Errorf("line is longer than %d bytes", maxLine), retry.Permanent)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
	}
}

type resultLine struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		StatusCode int             `json:"status_code"`
		Body       json.RawMessage `json:"body"`
	} `json:"response"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// parseLine reads one line of an output or error file. A line that cannot be
// read is taken for a torn download.
func parseLine(line []byte) (sink.Outcome, error) {
	var l resultLine
	if err := json.Unmarshal(line, &l); err != nil {
		return sink.Outcome{}, retry.Mark(err, retry.Retryable)
	}
	o := sink.Outcome{ID: l.CustomID}
	if l.Response != nil {
		o.Status, o.Body = l.Response.StatusCode, l.Response.Body
	}
	switch {
	case l.Error != nil:
		o.Err = &sink.RowError{Class: rowClass(l.Error.Code), Code: l.Error.Code, Message: l.Error.Message}
	case l.Response == nil:
		o.Err = &sink.RowError{Class: retry.Retryable, Code: "no_response", Message: "the line has neither response nor error"}
	default:
		o.Err = rowError(o.Status, o.Body)
	}
	return o, nil
}

// rowClass is for rows that never ran. Those of an ended batch may go again.
func rowClass(code string) retry.Class {
	switch code {
	case "batch_expired", "batch_cancelled", "request_timeout":
		return retry.Retryable
	}
	return retry.Permanent
}

func rowError(status int, body []byte) *sink.RowError {
	err := retry.HTTP(retry.Idempotent, status, nil, body)
	var e *retry.Error
	if !errors.As(err, &e) {
		return nil
	}
	return &sink.RowError{Class: e.Class, Code: e.Code, Message: e.Message}
}
