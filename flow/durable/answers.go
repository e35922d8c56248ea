package durable

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
)

// A file in answerDir says which requests of a batch succeeded, for jobs that
// ask the same: a record with the answerHeader, and one with the answers.
const answerDir = "answers"

func answerName(tag string) string { return answerDir + "/" + tag }

type answerHeader struct {
	At    time.Time `json:"at"` // when the batch was settled
	Batch string    `json:"batch"`
	N     int       `json:"n"` // answers
}

// answer is where the result of a request is.
type answer struct {
	content digest
	offset  int64 // of its record in the batch's file of results
}

const answerSize = 16 + 8

// writeAnswers keeps what a batch was answered. If a crash comes before it does,
// other jobs ask again.
func (e *engine) writeAnswers(in intent.Intent, answers []answer) error {
	if e.config.cache <= 0 || len(answers) == 0 {
		return nil
	}
	return writeRecords(e.root, answerName(in.Tag), e.labelOf(answersKind, in.Tag), func(put func([]byte) error) error {
		header, err := json.Marshal(answerHeader{e.now(), in.Batch, len(answers)})
		if err != nil {
			return err
		}
		if err := put(header); err != nil {
			return err
		}
		b := make([]byte, 0, len(answers)*answerSize)
		for _, a := range answers {
			b = append(b, a.content[:]...)
			b = binary.BigEndian.AppendUint64(b, uint64(a.offset)) //nolint:gosec // not negative
		}
		return put(b)
	})
}

// readAnswers reads a file that writeAnswers wrote, of a job or, if that is "", of
// any; the answers only if they are wanted.
func readAnswers(root *os.Root, name, job string, wanted bool) (h answerHeader, answers []answer, err error) {
	n := 0
	for p, err := range readRecords(root, name, label{Format: fileFormat, Kind: answersKind, Job: job, Tag: path.Base(name)}) {
		if err != nil {
			return h, nil, err
		}
		if n++; n == 1 {
			if err := json.Unmarshal(p.record, &h); err != nil || !wanted {
				return h, nil, err
			}
			continue
		}
		if len(p.record) != h.N*answerSize {
			return h, nil, fmt.Errorf("%w: %d answers in %d bytes", segment.ErrDamaged, h.N, len(p.record))
		}
		answers = decodeAnswers(p.record, h.N)
	}
	if len(answers) != h.N {
		return h, nil, fmt.Errorf("%w: %d answers of %d", segment.ErrDamaged, len(answers), h.N)
	}
	return h, answers, nil
}

func decodeAnswers(record []byte, n int) []answer {
	d := decoder{b: record}
	answers := make([]answer, n)
	for i := range answers {
		answers[i] = answer{digest(d.take(16)), int64(d.u64())} //nolint:gosec // as it was written
	}
	return answers
}
