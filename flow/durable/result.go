package durable

import (
	"bytes"
	"encoding/json"
	"errors"

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
	Meta     json.RawMessage `json:"meta,omitempty"`   // the item's, of Job.Meta
	Error    *sink.RowError  `json:"error,omitempty"`  // nil if it succeeded
}

// ItemStatus is how an item ended.
type ItemStatus string

// The statuses of an item. An Output receives only the first two.
const (
	ItemSucceeded ItemStatus = "succeeded"
	ItemFailed    ItemStatus = "failed"
	ItemCancelled ItemStatus = "cancelled" // the run was cancelled before it ran
)

// ResultOf returns the result of the item with that key and meta.
func ResultOf(key string, meta json.RawMessage, a sink.Answer, cached bool) Result {
	r := Result{
		ID: key, Status: ItemSucceeded, Response: bytes.Clone(a.Body), Model: a.Model,
		Batch: a.Batch, Cached: cached, Attempts: a.Attempts, Meta: meta,
	}
	if a.Reply != nil {
		r.Text, r.Usage = a.Reply.Text, &a.Reply.Usage
	}
	if r.Error, _ = errors.AsType[*sink.RowError](a.Err); r.Error != nil {
		r.Status = ItemFailed
	}
	return r
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
