package durable

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Result is the result of one item. Lines writes it as JSON.
type Result struct {
	ID       string          `json:"id"` // the item's key
	Status   ItemStatus      `json:"status"`
	Text     string          `json:"text,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`    // of the answer, with Job.Answer: see the function Value
	Response json.RawMessage `json:"response,omitempty"` // the provider's body
	Finish   string          `json:"finish,omitempty"`   // why the model stopped, in the provider's word
	Refusal  string          `json:"refusal,omitempty"`  // the model's reason not to answer
	Usage    *llm.Usage      `json:"usage,omitempty"`
	Cost     *price.Money    `json:"cost,omitempty"`   // of all answers that were asked for it, in dollars; nil if it is not known
	Model    string          `json:"model,omitempty"`  // as the provider names it
	Route    string          `json:"route,omitempty"`  // that answered it, of a job with Routes
	Tried    []Tried         `json:"tried,omitempty"`  // the routes that it was sent to before, in order
	Batch    string          `json:"batch,omitempty"`  // the batch that answered it
	Cached   bool            `json:"cached,omitempty"` // it was answered in another job: Batch and Usage are those of that job
	Shared   bool            `json:"shared,omitempty"` // an identical item of this job was sent: Batch and Usage are those of that item
	Attempts int             `json:"attempts"`         // times it was sent
	Item     string          `json:"item,omitempty"`   // with Job.EveryRoute: the item's key, while ID says on which route it was asked, too
	Tenant   string          `json:"tenant,omitempty"` // of Job.Tenant
	Meta     json.RawMessage `json:"meta,omitempty"`   // the item's, of Job.Meta
	Source   string          `json:"source,omitempty"` // with Job.Lineage: the input that the item comes from
	Line     int             `json:"line,omitempty"`   // with Job.Lineage: the line, or the number, of the item in it
	Error    *sink.RowError  `json:"error,omitempty"`  // nil if it succeeded

	// HTTPStatus is the status of the item's own call, 0 if it never ran, or if
	// the provider does not say.
	HTTPStatus int `json:"-"`

	// List is what the answer costs at the price for single requests, for an
	// Output. It is nil if that is not known, and for items that are Cached or
	// Shared.
	List *price.Money `json:"-"`

	// Citations say which parts of documents the Text rests on.
	Citations []llm.Citation `json:"citations,omitempty"`
	// Fields say which Citations the fields of an answer in JSON rest on. There
	// are none if nothing is cited, or if the Text has no JSON.
	Fields []CitedField `json:"fields,omitempty"`
}

// Tried is a route that an item was sent to before it took another one.
type Tried struct {
	Route string `json:"route"`
	Code  string `json:"code,omitempty"` // why the route failed the item for good; "" if it did not
}

// SetRoute takes over which route answered the item, and which it was sent to
// before.
func (r *Result) SetRoute(row *jobdir.Entry, route int, routeOf func(n int) jobdir.Route) {
	r.Route = routeOf(route).Name
	for _, t := range row.Tries() {
		if name := routeOf(int(t.Route)).Name; int(t.Route) != route && name != "" {
			r.Tried = append(r.Tried, Tried{name, t.Code})
		}
	}
}

// SetOrigin takes over whose the item is and where it comes from.
func (r *Result) SetOrigin(row *jobdir.Entry, t jobdir.Target) {
	extra := row.Extra()
	r.ID, r.Meta, r.Tenant, r.Item = row.Key, extra.Meta, t.Tenant, t.ItemOf(row.Key)
	if extra.Source != "" {
		r.Source, r.Line = extra.Source, int(row.Line)
	}
}

// ItemStatus is how an item ended.
type ItemStatus string

// The statuses of an item. An Output receives only the first two.
const (
	ItemSucceeded ItemStatus = "succeeded"
	ItemFailed    ItemStatus = "failed"
	ItemCancelled ItemStatus = "cancelled" // the run was cancelled before it ran
)

// SetAnswer takes over what is known of the item, which is settled. It copies the
// body.
func (r *Result) SetAnswer(a sink.Answer) {
	a.Body = bytes.Clone(a.Body)
	r.takeAnswer(a)
}

// takeAnswer is SetAnswer of an answer whose body stays as it is.
func (r *Result) takeAnswer(a sink.Answer) {
	r.Status, r.Response, r.Model = ItemSucceeded, a.Body, a.Model
	r.Batch, r.Attempts, r.HTTPStatus = a.Batch, a.Attempts, a.Status
	if a.Reply != nil {
		r.Text, r.Citations, r.Usage = a.Reply.Text, a.Reply.Citations, &a.Reply.Usage
		r.Finish, r.Refusal = a.Reply.Finish, a.Reply.Refusal
		r.Fields = citedFields(a.Reply)
	}
	if r.Error, _ = errors.AsType[*sink.RowError](a.Err); r.Error != nil {
		r.Status = ItemFailed
	}
}
