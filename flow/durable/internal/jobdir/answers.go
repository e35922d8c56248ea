package jobdir

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/balerhq/baler/internal/segment"
)

// AnswerName returns the file of the answers of a batch.
func AnswerName(tag string) string { return AnswerDir + "/" + tag }

// AnswerHeader is the first record of a file of answers.
type AnswerHeader struct {
	At     time.Time `json:"at"` // when the batch was settled
	Batch  string    `json:"batch"`
	N      int       `json:"n"`                // answers
	Failed int       `json:"failed,omitempty"` // how many of them are failures
	Own    bool      `json:"own,omitempty"`    // no other job may take them
	Route  Route     `json:"route"`
}

// Takeable returns how many answers other jobs may take.
func (h *AnswerHeader) Takeable() int {
	if h.Own {
		return 0
	}
	return h.N - h.Failed
}

// Answer is where the result of a request is.
type Answer struct {
	Content Digest
	Offset  int64 // of its record in the batch's file of results; see Failure
}

// Failure returns the answer of a request that has failed for good. Only items
// of the same job take it.
func Failure(content Digest, offset int64) Answer { return Answer{content, ^offset} }

// Failed reports whether the answer is a Failure.
func (a Answer) Failed() bool { return a.Offset < 0 }

// Place returns the offset of the answer's record.
func (a Answer) Place() int64 {
	if a.Failed() {
		return ^a.Offset
	}
	return a.Offset
}

// answerSize is the size of one answer in its record, in bytes.
const answerSize = 16 + 8

// WriteAnswers stores the answers of a batch for other jobs and for followers.
func (a *Dir) WriteAnswers(tag string, h AnswerHeader, answers []Answer) error {
	return WriteRecords(a.Root, AnswerName(tag), a.LabelOf(AnswersKind, tag), func(put Put) error {
		header, err := json.Marshal(h)
		if err != nil {
			return err
		}
		if err := put(header); err != nil {
			return err
		}
		b := make([]byte, 0, len(answers)*answerSize)
		for _, a := range answers {
			b = append(b, a.Content[:]...)
			b = binary.BigEndian.AppendUint64(b, uint64(a.Offset)) //nolint:gosec // not negative
		}
		return put(b)
	})
}

// ReadAnswers reads a file that WriteAnswers wrote. If job is "", the file may
// belong to any job. The answers are read only if they are wanted.
func ReadAnswers(root *os.Root, name, job string, wanted bool) (h AnswerHeader, answers []Answer, err error) {
	n := 0
	for p, err := range ReadRecords(root, name, Label{Format: FileFormat, Kind: AnswersKind, Job: job, Tag: path.Base(name)}) {
		if err != nil {
			return h, nil, err
		}
		if n++; n == 1 {
			if err := json.Unmarshal(p.Record, &h); err != nil || !wanted {
				return h, nil, err
			}
			continue
		}
		if len(p.Record) != h.N*answerSize {
			return h, nil, fmt.Errorf("%w: %d answers in %d bytes", segment.ErrDamaged, h.N, len(p.Record))
		}
		answers = decodeAnswers(p.Record, h.N)
	}
	if len(answers) != h.N {
		return h, nil, fmt.Errorf("%w: %d answers of %d", segment.ErrDamaged, len(answers), h.N)
	}
	return h, answers, nil
}

func decodeAnswers(record []byte, n int) []Answer {
	d := Decoder{B: record}
	answers := make([]Answer, n)
	for i := range answers {
		answers[i] = Answer{Digest(d.take(16)), int64(d.U64())} //nolint:gosec // as it was written
	}
	return answers
}
