package durable

import (
	"bytes"
	"iter"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/readahead"
	"github.com/balerhq/baler/sink"
)

// outcomeRead is the outcome of a row, with the answer that it tells.
type outcomeRead struct {
	jobdir.Outcome
	row    jobdir.Entry
	answer sink.Answer
	err    error // why there is none, and no more follow
}

// size counts a body and its text.
func (a *outcomeRead) size() int { return 2 * len(a.Body) }

// allAnswers yields the outcomes of the batch. One goroutine reads them and another
// one decodes their answers, ahead of the one that settles them.
func (c *chunk) allAnswers() iter.Seq[outcomeRead] {
	model, codec := c.s.batches.modelOf(c.in), c.s.batches.serviceOf(c.in).info.Codec
	outcomes := readahead.Seq(c.outcomes, (*outcomeRead).size)
	return readahead.Seq(func(yield func(outcomeRead) bool) {
		for o := range outcomes {
			if o.err == nil {
				o.row, o.err = c.all.Row(int(o.Row))
			}
			if o.err == nil {
				o.answer = o.Answer(&o.row, model, c.in.Batch, codec)
			}
			if !yield(o) {
				return
			}
		}
	}, (*outcomeRead).size)
}

// outcomes yields outcomes whose bodies stay as they are.
func (c *chunk) outcomes(yield func(outcomeRead) bool) {
	for o, err := range c.s.Outcomes(c.in) {
		o.Body = bytes.Clone(o.Body)
		if !yield(outcomeRead{Outcome: o, err: err}) {
			return
		}
	}
}
