package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// writeAnswers stores the answers of a batch for other jobs. If a crash comes
// first, other jobs ask again.
func (s *settler) writeAnswers(in intent.Intent, answers []jobdir.Answer) error {
	if s.cache <= 0 || len(answers) == 0 {
		return nil
	}
	return s.WriteAnswers(in.Tag, jobdir.AnswerHeader{At: s.clock.now(), Batch: in.Batch, N: len(answers), Route: s.batches.routes.get(in.Route)}, answers)
}
