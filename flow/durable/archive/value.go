package archive

import (
	"sync"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/llm"
)

// answerOf returns what the answers of a run have to look like, nil if that is
// text.
func answerOf(a *Archive) func() llm.Answer {
	return sync.OnceValue(func() llm.Answer {
		schema := a.Schema()
		if schema == nil {
			return nil
		}
		return llm.JSONSchema(llm.Schema{JSON: schema})
	})
}

// setValue gives a result the value of its answer. An answer that was right for
// the run and does not meet the schema has none: an Answer of the job's own may
// take such.
func (a *Archive) setValue(r *durable.Result) {
	if answer := a.answer(); answer != nil && r.Status == durable.ItemSucceeded && r.Text != "" {
		r.Value, _ = answer.Value(r.Text)
	}
}
