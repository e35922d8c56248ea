package durable

import (
	"cmp"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// failOver lets a row go on to another route if this one has failed it for good
// and there is one. What its answer has cost counts. An ambiguous row may have
// been answered, so that it would be paid for twice.
func (c *chunk) failOver(o *jobdir.Outcome, a *sink.Answer) bool {
	n := int(o.Row)
	row := &c.row
	if a.Err == nil || retry.ClassOf(a.Err) == retry.Ambiguous || c.s.gate.cancelled() || c.unsent() || !c.s.batches.routes.goesOn(row) {
		return false
	}
	code := "failed"
	if failure, ok := errors.AsType[*sink.RowError](a.Err); ok {
		code = cmp.Or(truncate(failure.Code, maxFailedCode), code)
	}
	c.retries = append(c.retries, row.FailedBy(code))
	c.which = jobdir.AddRow(c.which, n)
	c.over = append(c.over, jobdir.FailedOver{Row: n, Code: code})
	if k := len(c.invalid) - 1; k >= 0 && c.invalid[k].Row == n {
		c.invalid = c.invalid[:k] // it has no result yet
	}
	var used *llm.Usage
	if a.Reply != nil {
		used = &a.Reply.Usage
	}
	c.spendAgain(o, used)
	return true
}

// maxFailedCode bounds a code that is kept with a row, in bytes.
const maxFailedCode = 64

// usesUp reports whether a row has been sent as often as it may be, with this
// batch.
func (c *chunk) usesUp(row *jobdir.Entry) bool { return c.s.batches.routes.usesUp(row) }
