package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// note notes the answer to a row, for other jobs and for followers. A failure
// counts only if the provider has said for good that this request fails. That
// an answer fails Job.Check is not its word.
func (c *chunk) note(row *jobdir.Entry, o *jobdir.Outcome, failure *sink.RowError) {
	switch {
	case o.At < 0:
	case failure == nil:
		c.answers = append(c.answers, jobdir.Answer{Content: row.Content, Offset: o.At})
	case c.sharedRequest(o): // it may be the fault of another row
	case failure.Class == retry.Permanent && failure.Code != sink.CodeInvalidAnswer && len(row.Appended()) == 0 && row.Limit() == 0 && !c.s.samples:
		c.answers = append(c.answers, jobdir.Failure(row.Content, o.At))
	}
}

// writeAnswers stores the answers of a batch for other jobs and for followers.
// If a crash comes first, the rest of the settlement is done again.
func (s *settler) writeAnswers(in intent.Intent, answers []jobdir.Answer) error {
	kept := s.cache > 0 // for other jobs
	if !kept && s.samples || len(answers) == 0 {
		return nil
	}
	h := jobdir.AnswerHeader{At: s.clock.now(), Batch: in.Batch, N: len(answers), Own: !kept, Route: s.batches.routes.get(in.Route)}
	for _, a := range answers {
		if a.Failed() {
			h.Failed++
		}
	}
	return s.WriteAnswers(in.Tag, h, answers)
}
