package durable

import (
	"encoding/json"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// verdict is what a review says about the answer of a row.
type verdict struct {
	value json.RawMessage // of the answer, if it is right
	again bool            // the row is asked again
	wrong error           // what is wrong with the answer
}

// review checks the answer of a row. If it is wrong and the row is not asked
// again, what is wrong is the answer's error.
func (c *chunk) review(o *jobdir.Outcome, a *sink.Answer) (v verdict, err error) {
	n := int(o.Row)
	row := &c.row
	if a.Err != nil || a.Reply == nil {
		return v, nil //nolint:nilerr // it is the row's
	}
	value, flaw := c.s.judge.value(row.Key, *a.Reply)
	if flaw == nil {
		return verdict{value: value}, nil
	}
	invalid := jobdir.Invalid{Row: n, Message: truncate(flaw.Error(), maxMessage)}
	v.wrong = invalid.Err()
	if c.s.gate.cancelled() || row.Turns()/turnsOfReask >= c.s.reasks || c.usesUp(row) || c.s.batches.targets.get(int(row.Target)).Provider != "" {
		c.invalid = append(c.invalid, invalid)
		a.Err = v.wrong
		return v, nil
	}
	entry, err := row.Again(true).Append(reask(a.Reply.Text, invalid.Message)...)
	if err != nil {
		return v, err
	}
	c.retries = append(c.retries, entry)
	c.bytes += len(entry.Appended())
	c.which = jobdir.AddRow(c.which, n)
	c.spendAgain(o, &a.Reply.Usage)
	v.again = true
	return v, nil
}

// lengthen lets a row be asked again whose answer was cut off, with a higher
// limit of tokens. It reports false if that is not to be.
func (c *chunk) lengthen(o *jobdir.Outcome, a *sink.Answer) bool {
	row := &c.row
	failure, _ := errors.AsType[*sink.RowError](a.Err)
	if failure == nil || failure.Code != string(llm.FlawCut) || a.Reply == nil || c.sharedRequest(o) || o.Cached() || o.Shared {
		return false
	}
	had, most := max(int(row.Limit()), a.Reply.Usage.Output), c.s.retryTruncated
	if had == 0 || had >= most || c.s.gate.cancelled() || c.usesUp(row) || c.s.batches.targets.get(int(row.Target)).Provider != "" {
		return false
	}
	entry := row.Again(true)
	entry.SetLimit(uint32(min(2*had, most))) //nolint:gosec // most is no more
	c.retries = append(c.retries, entry)
	c.which = jobdir.AddRow(c.which, int(o.Row))
	c.spendAgain(o, &a.Reply.Usage)
	return true
}

// turnsOfReask is how many turns a reask appends.
const turnsOfReask = 2

// reask returns the turns that ask again: the answer, and what is wrong with
// it.
func reask(answer, wrong string) []llm.Message {
	return []llm.Message{
		{Role: llm.RoleAssistant, Text: answer},
		{Role: llm.RoleUser, Text: "That answer cannot be used: " + wrong + "\nPlease answer again, in full."},
	}
}
