package durable

import (
	"cmp"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// failOver lets a row go on to another route if this one has failed it for good
// and there is one. What its answer has cost counts.
func (c *chunk) failOver(n int, a *sink.Answer) bool {
	row := &c.entries[n]
	if a.Err == nil || c.s.gate.cancelled() || c.unsent() || !c.s.batches.routes.goesOn(row) {
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
	if a.Reply != nil {
		c.spent.Usage = c.spent.Usage.Add(a.Reply.Usage)
	}
	return true
}

// maxFailedCode bounds a code that is kept with a row, in bytes.
const maxFailedCode = 64

// attempts returns how often a row was sent before, as far as it counts.
func (c *chunk) attempts(row *jobdir.Entry) int {
	if c.s.failover == FailoverFailed {
		return row.AttemptsOn(row.Route)
	}
	return row.Attempts()
}
