package durable

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

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
	for _, t := range row.Tries {
		if name := routeOf(int(t.Route)).Name; int(t.Route) != route && name != "" {
			r.Tried = append(r.Tried, Tried{name, t.Code})
		}
	}
}

// SetOrigin takes over whose the item is and where it comes from.
func (r *Result) SetOrigin(row *jobdir.Entry, t jobdir.Target) {
	r.ID, r.Meta, r.Tenant, r.Item = row.Key, row.Meta, t.Tenant, t.ItemOf(row.Key)
	if row.Source != "" {
		r.Source, r.Line = row.Source, int(row.Line)
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

// SetAnswer takes over what is known of the item, which is settled.
func (r *Result) SetAnswer(a sink.Answer) {
	r.Status, r.Response, r.Model = ItemSucceeded, bytes.Clone(a.Body), a.Model
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

// WriteLine writes the result as a JSON line, as a File gets it. The line has
// the members of json.Marshal's, with the response last and unchanged, instead
// of checked and compacted again. A long text is not copied.
func (r *Result) WriteLine(w io.Writer) error {
	bare := *r
	bare.Response = nil
	if len(r.Text) > textPiece {
		bare.Text = ""
	}
	line, err := json.Marshal(bare)
	if err != nil {
		return err
	}
	line = line[:len(line)-1]
	if bare.Text != r.Text {
		if line, err = r.writeText(w, line); err != nil {
			return err
		}
	}
	if _, err = w.Write(line); err != nil {
		return err
	}
	if len(r.Response) > 0 {
		_, err = io.WriteString(w, `,"response":`)
		if err == nil {
			_, err = w.Write(r.Response)
		}
	}
	if err == nil {
		_, err = io.WriteString(w, "}\n")
	}
	return err
}

// writeText writes the beginning of a line up to the text, and returns the rest
// of it.
func (r *Result) writeText(w io.Writer, line []byte) (rest []byte, err error) {
	head, err := json.Marshal(struct {
		ID     string     `json:"id"`
		Status ItemStatus `json:"status"`
	}{r.ID, r.Status})
	if err != nil {
		return nil, err
	}
	head = head[:len(head)-1]
	if _, err := w.Write(append(head, `,"text":"`...)); err != nil {
		return nil, err
	}
	for text := r.Text; text != ""; {
		n := pieceOf(text)
		quoted, err := json.Marshal(text[:n])
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(quoted[1 : len(quoted)-1]); err != nil {
			return nil, err
		}
		text = text[n:]
	}
	_, err = io.WriteString(w, `"`)
	return line[len(head):], err
}

// textPiece is how much of a text is quoted at a time, in bytes.
const textPiece = 64 << 10

// pieceOf is the length of the next piece, which ends with a character.
func pieceOf(text string) int {
	if len(text) <= textPiece {
		return len(text)
	}
	for n := textPiece; n > textPiece-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return textPiece // it is not UTF-8
}
