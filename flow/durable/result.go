package durable

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Result is the result of one item. Lines writes it as JSON.
type Result struct {
	ID       string          `json:"id"` // the item's key
	Status   ItemStatus      `json:"status"`
	Text     string          `json:"text,omitempty"`
	Response json.RawMessage `json:"response,omitempty"` // the provider's body
	Usage    *llm.Usage      `json:"usage,omitempty"`
	Model    string          `json:"model,omitempty"`  // as the provider names it
	Batch    string          `json:"batch,omitempty"`  // the batch that answered it
	Cached   bool            `json:"cached,omitempty"` // it was answered in another job: Batch and Usage are those of that job
	Attempts int             `json:"attempts"`         // times it was sent
	Error    *ItemError      `json:"error,omitempty"`  // nil if it succeeded
}

// ItemStatus is how an item ended.
type ItemStatus string

// The statuses of an item. An Output receives only the first two.
const (
	ItemSucceeded ItemStatus = "succeeded"
	ItemFailed    ItemStatus = "failed"
	ItemCancelled ItemStatus = "cancelled" // the run was cancelled before it ran
)

// ItemError says why an item failed.
type ItemError struct {
	Class   retry.Class `json:"class"`
	Code    string      `json:"code,omitempty"`
	Message string      `json:"message"`
}

// ResultOf returns the result of the item with that key, from a provider's
// outcome. Without a codec the response is not read. Batch and Attempts stay
// zero, and Model is the one that the reply names; the caller fills them in.
func ResultOf(key string, o sink.Outcome, codec llm.Codec) Result {
	r := Result{ID: key, Status: ItemSucceeded, Response: bytes.Clone(o.Body)}
	failure := o.Err
	if failure == nil && codec != nil {
		failure = r.read(codec, o.Body)
	}
	if failure != nil {
		r.Status = ItemFailed
		r.Error = &ItemError{Class: failure.Class, Code: failure.Code, Message: failure.Message}
	}
	return r
}

// newResult returns the result that is delivered for a row of a batch.
func newResult(row *jobdir.Entry, o *jobdir.Outcome, model, batch string, codec llm.Codec) Result {
	r := ResultOf(row.Key, o.Outcome, codec)
	r.Model = cmp.Or(r.Model, model)
	r.Batch, r.Attempts, r.Cached = o.Origins(row, batch)
	return r
}

func (r *Result) read(codec llm.Codec, body []byte) *sink.RowError {
	reply, err := codec.Decode(body)
	if err != nil {
		return &sink.RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: err.Error()}
	}
	r.Text, r.Usage = reply.Text, &reply.Usage
	if reply.Model != "" {
		r.Model = reply.Model
	}
	flaw := sink.Flaw(&reply)
	if flaw != nil {
		flaw.Message = truncate(flaw.Message, maxMessage)
	}
	return flaw
}

// AppendLine appends the result as a JSON line, as a File gets it. The line
// equals that of json.Marshal, except that the response is copied unchanged
// instead of being checked and compacted again.
func (r *Result) AppendLine(dst []byte) ([]byte, error) {
	bare := *r
	bare.Response = nil
	head, err := json.Marshal(bare)
	if err != nil || len(r.Response) == 0 {
		return append(append(dst, head...), '\n'), err
	}
	dst = append(dst, head[:len(head)-1]...)
	dst = append(dst, `,"response":`...)
	dst = append(dst, r.Response...)
	return append(dst, "}\n"...), nil
}
