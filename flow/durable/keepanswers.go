package durable

import (
	"encoding/binary"
	"encoding/json"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
)

// writeAnswers keeps what a batch was answered. If a crash comes before it does,
// other jobs ask again.
func (e *engine) writeAnswers(in intent.Intent, answers []jobdir.Answer) error {
	if e.config.cache <= 0 || len(answers) == 0 {
		return nil
	}
	return jobdir.WriteRecords(e.Root, jobdir.AnswerName(in.Tag), e.LabelOf(jobdir.AnswersKind, in.Tag), func(put func([]byte) error) error {
		header, err := json.Marshal(jobdir.AnswerHeader{At: e.now(), Batch: in.Batch, N: len(answers)})
		if err != nil {
			return err
		}
		if err := put(header); err != nil {
			return err
		}
		b := make([]byte, 0, len(answers)*jobdir.AnswerSize)
		for _, a := range answers {
			b = append(b, a.Content[:]...)
			b = binary.BigEndian.AppendUint64(b, uint64(a.Offset)) //nolint:gosec // not negative
		}
		return put(b)
	})
}
