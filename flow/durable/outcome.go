package durable

import (
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// outcome is what became of the nth row of a batch.
type outcome struct {
	row uint32
	sink.Outcome
	origin string // the batch of another job that answered it; "" if this one did
	at     int64  // where its record begins in the file of results; -1 if it has none
}

// A record of a file of results is: row u32, status u16, class u8 (0:
// succeeded), code, message, body, origin.
func appendOutcome(dst []byte, n uint32, o *sink.Outcome, origin string) []byte {
	var failure sink.RowError
	if o.Err != nil {
		failure = *o.Err
	}
	dst = binary.BigEndian.AppendUint32(dst, n)
	dst = binary.BigEndian.AppendUint16(dst, uint16(o.Status)) //nolint:gosec // an HTTP status
	dst = append(dst, byte(failure.Class))
	dst = appendString(dst, failure.Code)
	dst = appendString(dst, failure.Message)
	dst = appendBytes(dst, o.Body)
	return appendString(dst, origin)
}

// decodeOutcome undoes appendOutcome. The body is a part of b.
func decodeOutcome(b []byte) (o outcome, err error) {
	d := decoder{b: b}
	o.row = d.u32()
	o.Status = int(d.u16())
	class := retry.Class(d.u8())
	code, message := string(d.bytes()), string(d.bytes())
	if body := d.bytes(); len(body) > 0 {
		o.Body = json.RawMessage(body)
	}
	if class != 0 {
		o.Err = &sink.RowError{Class: class, Code: code, Message: message}
	}
	o.origin = string(d.bytes())
	return o, d.err
}

// outcomes yields one outcome for each row of a fetched batch, those without
// a result last. The order is the same every time. Bodies are valid until the
// next one is asked for.
func (a *files) outcomes(in intent.Intent) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		got := make([]bool, in.Rows)
		if more := a.fetched(in, got, yield); !more {
			return
		}
		err := missing(in, slices.Contains(got, true))
		for n, ok := range got {
			if !ok && !yield(outcome{row: uint32(n), at: -1, Outcome: sink.Outcome{Err: err}}, nil) { //nolint:gosec // bounded by a batch
				return
			}
		}
	}
}

const missingMessage = "the provider ran the row, or may have, and has no result of it: it may have to be paid for"

// missing is why a row has no result: the batch was refused as a whole, given
// up, or ended before the row was run, for example because others were at fault.
func missing(in intent.Intent, others bool) *sink.RowError {
	switch {
	case in.Verdict == intent.FailMissing:
		return &sink.RowError{Class: retry.Ambiguous, Code: codeMissing, Message: missingMessage}
	case in.Verdict == intent.SendMissing:
		return &sink.RowError{Class: retry.Retryable, Code: codeMissing, Message: missingMessage}
	case givenUp(in):
		return &sink.RowError{Class: retry.Retryable, Code: in.Reason.Code, Message: in.Reason.Message}
	case in.Reason != nil && !others:
		return &sink.RowError{Class: retry.Permanent, Code: in.Reason.Code, Message: in.Reason.Message}
	}
	return &sink.RowError{Class: retry.Retryable, Code: "not_executed", Message: "the batch ended without a result for this row"}
}

func (a *files) fetched(in intent.Intent, got []bool, yield func(outcome, error) bool) bool {
	fail := func(err error) bool {
		yield(outcome{}, a.damaged(resultName(in.Tag), err))
		return false
	}
	for p, err := range readRecords(a.root, resultName(in.Tag), a.labelOf(resultsKind, in.Tag)) {
		if err != nil {
			return fail(err)
		}
		o, err := decodeOutcome(p.record)
		if err != nil || int(o.row) >= len(got) || got[o.row] {
			return fail(segment.ErrDamaged)
		}
		o.at, got[o.row] = p.at, true
		if !yield(o, nil) {
			return false
		}
	}
	return true
}
