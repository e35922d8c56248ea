package live

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// maxMessage limits what is kept of an error, in bytes.
const maxMessage = 4 << 10

// outcome returns what became of a row that was asked.
func outcome(n int, id string, reply sink.LiveReply, err error) answer {
	a := answer{Row: n, ID: id, Status: reply.Status}
	if err == nil {
		a.Body = reply.Body
		return a
	}
	a.Body, _ = oneLine(reply.Body) // an error that is no JSON has none
	a.Err = rowError(err)
	return a
}

// oneLine puts the JSON of a reply on one line. A success that is no JSON is
// not the provider's: whether it has answered the row is unclear.
func oneLine(body []byte) (json.RawMessage, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, body); err != nil {
		return nil, retry.Mark(fmt.Errorf("the reply is no JSON: %w", err), retry.Ambiguous)
	}
	return line.Bytes(), nil
}

// rowError makes an error of a call that of its row, in the provider's words.
func rowError(err error) *sink.RowError {
	e := &sink.RowError{Class: retry.ClassOf(err), Code: "call_failed", Message: err.Error()}
	for said := new(retry.Error); errors.As(err, &said); err = said.Err {
		if said.Status != 0 { // the provider's, which is innermost
			e.Code, e.Message = cmp.Or(said.Code, fmt.Sprintf("http_%d", said.Status)), cmp.Or(said.Message, e.Message)
		}
	}
	if e.Class == retry.Ambiguous {
		e.Code = CodeUnclear
	}
	e.Message = printable.Line(e.Message, maxMessage)
	return e
}
