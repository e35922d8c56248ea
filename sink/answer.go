package sink

import (
	"encoding/json"

	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink/llm"
)

// Answer is what is known of a row that is settled.
type Answer struct {
	// Reply is the provider's answer as its codec reads it, nil if there is
	// none, or no codec.
	Reply *llm.Reply
	// Body is the provider's answer, or its error body; nil if there is none.
	Body json.RawMessage
	// Status is the HTTP status of the row's own call, 0 if it never ran.
	Status int
	// Model is the one that answered, as the provider names it, or else the one
	// that was asked.
	Model string
	// Err is nil if the row succeeded. Otherwise it is a *RowError, whose class
	// retry.ClassOf tells.
	Err error
	// Batch is the provider's name for the batch that decided about the row, ""
	// if it was in none.
	Batch string
	// Attempts counts the batches that the row was part of.
	Attempts int
}

// CodeInvalidAnswer is the code of a row whose answer failed a check of the
// caller's. The answer is kept.
const CodeInvalidAnswer = "invalid_answer"

// ReadAnswer returns what an outcome tells. A row has failed, too, if its
// answer cannot be read or is no full one. Without a codec it is not
// read. The caller fills in the Batch and the Attempts, and the Model if no
// reply names it.
func ReadAnswer(o *Outcome, codec llm.Codec) Answer {
	a := Answer{Body: o.Body, Status: o.Status}
	failure := o.Err
	if codec != nil && (failure == nil || failure.Code == CodeInvalidAnswer) {
		if flaw := a.read(codec); failure == nil {
			failure = flaw
		}
	}
	if failure != nil {
		a.Err = failure // never a nil *RowError
	}
	return a
}

func (a *Answer) read(codec llm.Codec) *RowError {
	reply, err := codec.Decode(a.Body)
	if err != nil {
		return &RowError{Class: retry.Permanent, Code: "unreadable_reply", Message: err.Error()}
	}
	a.Reply, a.Model = &reply, reply.Model
	return flawOf(&reply)
}
