package openai

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/loose"
)

// refusals are the errors of a batch that failed validation.
type refusals []batchError

// UnmarshalJSON implements json.Unmarshaler: what a server has to say may be a
// list, the data of an object, an object or a string. It never fails, since a
// batch that cannot be read could not be followed.
func (r *refusals) UnmarshalJSON(b []byte) error {
	*r = nil
	var list struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(b, &list) == nil && len(list.Data) > 0 && string(list.Data) != "null" {
		b = list.Data
	}
	var each []json.RawMessage
	if json.Unmarshal(b, &each) != nil {
		each = []json.RawMessage{b}
	}
	for _, raw := range each {
		var e batchError
		if e.read(raw); e != (batchError{}) {
			*r = append(*r, e)
		}
	}
	return nil
}

// batchError is why a batch failed validation.
type batchError struct {
	Code, Message, Param string
	Line                 int // 1-based; 0 if no line is at fault
}

// read takes what it can of an error, field by field.
func (e *batchError) read(raw []byte) {
	if json.Unmarshal(raw, &e.Message) == nil {
		return
	}
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields) // else there are none
	e.Code, e.Message, e.Param = loose.AsWritten(fields["code"]), loose.AsWritten(fields["message"]), loose.AsWritten(fields["param"])
	if line, err := strconv.ParseFloat(loose.AsWritten(fields["line"]), 64); err == nil && line >= 1 && line < 1<<31 {
		e.Line = int(line)
	}
}

func (e batchError) words() string {
	if e.Param == "" {
		return e.Message
	}
	return e.Message + " (" + e.Param + ")"
}

// aboutFile reports whether the error is that the input file is not found. It
// is not the rows that are at fault.
func (e batchError) aboutFile() bool { return fileParam(e.Param) }

func fileParam(param string) bool { return param == "file_id" || param == "input_file_id" }

// ofLine reports whether one line is at fault, for good, so that the others
// pass without it.
func (e batchError) ofLine() bool {
	return e.Line > 0 && !e.aboutFile() && codeClass(e.Code) == retry.Permanent
}

func (e batchError) outcome() sink.Outcome {
	return sink.Outcome{Line: e.Line, Err: e.rowError(retry.Permanent)}
}

func (e batchError) rowError(class retry.Class) *sink.RowError {
	return &sink.RowError{Class: class, Code: loose.Words(e.Code), Message: loose.Words(e.words())}
}

// whole is why the batch failed if no line is at fault. A code that nobody
// knows says nothing about the rows: none of them ran.
func (e batchError) whole() *sink.RowError {
	r := e.rowError(retry.Retryable)
	switch {
	case e.aboutFile():
		r.Cause = sink.ErrNotYet
	case e.Code == tokenLimit:
		r.Cause = full(e.Message)
	case codeClass(e.Code) == retry.Retryable:
		r.Cause = sink.ErrNotYet
	case codeClass(e.Code) == retry.Blocked:
		r.Class = retry.Blocked
	case tooLarge[e.Code]:
		r.Class, r.Cause = retry.Permanent, sink.ErrTooLarge
	case atFault[e.Code]:
		r.Class = retry.Permanent
	}
	return r
}

// refusal is why validation failed, nil if it did not. A batch with rows that
// ran was not refused, whatever its status, even if the account is blocked by
// now: its results are paid for.
func (c *Client) refusal(ctx context.Context, b batch) *sink.RowError {
	if b.status() != "failed" || b.ran() {
		return nil
	}
	first := batchError{Code: "failed", Message: "the provider gave no reason"}
	if len(b.Errors) > 0 {
		first = b.Errors[0]
	}
	for _, e := range b.Errors {
		if codeClass(e.Code) == retry.Blocked {
			return e.whole()
		}
	}
	for _, e := range b.Errors {
		if e.ofLine() {
			return e.rowError(retry.Permanent)
		}
	}
	r := first.whole()
	if first.aboutFile() && c.gone(ctx, b.InputFile) {
		r.Cause = sink.ErrFileGone
	}
	return r
}

// ran reports whether rows of a batch have run.
func (b batch) ran() bool { return b.OutputFile != "" || b.ErrorFile != "" || b.Counts.Completed > 0 }

// accepted reports whether validation is over, and well.
func (b batch) accepted() bool {
	switch b.status() {
	case "in_progress", "finalizing", "completed", "expired":
		return true
	}
	return b.ran()
}

// gone reports whether a file is certainly not there.
func (c *Client) gone(ctx context.Context, file string) bool {
	if file == "" {
		return false
	}
	return client.NotFound(c.client.Do(ctx, httpclient.Call{Method: http.MethodGet, Path: "/files/" + url.PathEscape(file)}, nil))
}

// explain says what it means that a creation failed.
func (c *Client) explain(ctx context.Context, err error, file string) error {
	said, ok := errors.AsType[*retry.Error](err)
	switch {
	case !ok || said.Class == retry.Blocked || said.Class == retry.Ambiguous:
		return err
	case said.Code == tokenLimit:
		return client.Because(full(said.Message), err)
	case said.Status == http.StatusRequestEntityTooLarge:
		return client.Because(sink.ErrTooLarge, err)
	case said.Class != retry.Permanent:
		return err
	case said.Status != http.StatusBadRequest && said.Status != http.StatusNotFound:
		return client.UnlessSaid(err)
	case c.gone(ctx, file):
		return client.Because(sink.ErrFileGone, err)
	case fileParam(said.Param), said.Status == http.StatusNotFound && !atFault[said.Code]:
		return client.Because(sink.ErrNotYet, err)
	}
	return err
}

const tokenLimit = "token_limit_exceeded"

// tokens is how OpenAI says how many may be enqueued.
var tokens = regexp.MustCompile(`Limit: ([0-9][0-9,]*) enqueued tokens`)

// full is why a batch has to wait for others, and how much there is room for.
func full(message string) error {
	found := tokens.FindStringSubmatch(message)
	if found == nil {
		return sink.ErrFull
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(found[1], ",", ""), 10, 64)
	if err != nil || n == 0 {
		return sink.ErrFull
	}
	return &sink.FullError{Tokens: n}
}
