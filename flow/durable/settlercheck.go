package durable

import (
	"sync"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// oneAtATime returns the check for several goroutines: answers are judged when
// they are settled, and when they are reused.
func oneAtATime(check func(string, llm.Reply) error) func(string, llm.Reply) error {
	if check == nil {
		return nil
	}
	var mu sync.Mutex
	return func(key string, r llm.Reply) error {
		mu.Lock()
		defer mu.Unlock()
		return check(key, r)
	}
}

// review checks the answer of a row. It reports whether the row is asked again.
// If it is not, and the answer fails the check, that is the answer's error.
func (c *chunk) review(n int, a *sink.Answer) (again bool, err error) {
	row := &c.entries[n]
	if a.Err != nil || a.Reply == nil || c.s.check == nil {
		return false, nil //nolint:nilerr // it is the row's
	}
	wrong := c.s.check(row.Key, *a.Reply)
	if wrong == nil {
		return false, nil
	}
	invalid := jobdir.Invalid{Row: n, Message: truncate(wrong.Error(), maxMessage)}
	if c.s.gate.cancelled() || row.Turns()/turnsOfReask >= c.s.reasks || c.attempts(row)+1 >= c.s.maxAttempts || c.s.batches.targets.get(int(row.Target)).Provider != "" {
		c.invalid = append(c.invalid, invalid)
		a.Err = invalid.Err()
		return false, nil
	}
	entry, err := c.entries[n].Again(true).Append(reask(a.Reply.Text, invalid.Message)...)
	if err != nil {
		return false, err
	}
	c.retries = append(c.retries, entry)
	c.which = jobdir.AddRow(c.which, n)
	c.spent.Usage = c.spent.Usage.Add(a.Reply.Usage)
	return true, nil
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
