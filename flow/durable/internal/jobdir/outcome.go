package jobdir

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// Outcome is the outcome of one row of a batch.
type Outcome struct {
	Row uint32
	sink.Outcome
	Origin string // the other batch that answered it; "" if this one did
	Shared bool   // Origin is of the same job
	At     int64  // where its record begins in the file of results; -1 if it has none
}

// PutOutcome writes a record of a file of results: row u32, status u16, class
// u8 (0: succeeded), code, message, body, origin, and if there is one, whether
// it is of the same job. It uses and returns buf.
func PutOutcome(put Put, buf []byte, n uint32, o *sink.Outcome, origin string, shared bool) ([]byte, error) {
	var failure sink.RowError
	if o.Err != nil {
		failure = *o.Err
	}
	buf = binary.BigEndian.AppendUint32(buf[:0], n)
	buf = binary.BigEndian.AppendUint16(buf, uint16(o.Status)) //nolint:gosec // an HTTP status
	buf = append(buf, byte(failure.Class))
	buf = appendString(buf, failure.Code)
	buf = appendString(buf, failure.Message)
	buf = binary.AppendUvarint(buf, uint64(len(o.Body)))
	head := len(buf)
	buf = appendString(buf, origin)
	if origin != "" {
		buf = append(buf, 0)
		if shared {
			buf[len(buf)-1] = 1
		}
	}
	return buf, put(buf[:head], o.Body, buf[head:])
}

// DecodeOutcome reads what PutOutcome wrote. The body is a part of b.
func DecodeOutcome(b []byte) (o Outcome, err error) {
	d := Decoder{B: b}
	o.Row = d.u32()
	o.Status = int(d.u16())
	class := retry.Class(d.u8())
	code, message := string(d.bytes()), string(d.bytes())
	if body := d.bytes(); len(body) > 0 {
		o.Body = json.RawMessage(body)
	}
	if class != 0 {
		o.Err = &sink.RowError{Class: class, Code: code, Message: message}
	}
	o.Origin = string(d.bytes())
	if o.Origin != "" {
		o.Shared = d.u8() != 0
	}
	return o, d.Err
}

// Outcomes yields one outcome for each row of a fetched batch, those without a
// result last. The order is the same every time. Bodies are valid until the
// next outcome.
func (a *Dir) Outcomes(in intent.Intent) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		got := make([]bool, in.Rows)
		if more := a.Fetched(in, got, yield); !more {
			return
		}
		err := missing(in, slices.Contains(got, true))
		for n, ok := range got {
			if !ok && !yield(Outcome{Row: uint32(n), At: -1, Outcome: sink.Outcome{Err: err}}, nil) { //nolint:gosec // bounded by a batch
				return
			}
		}
	}
}

// missing returns why a row has no result.
func missing(in intent.Intent, others bool) *sink.RowError {
	reason := in.Unanswered(others)
	e := &sink.RowError{Code: reason.Code, Message: reason.Message}
	_ = e.Class.UnmarshalText([]byte(reason.Class)) // one of the four
	return e
}

// Fetched yields the outcomes in the file of results and sets got for their
// rows. It returns false if there was an error or yield wanted no more.
func (a *Dir) Fetched(in intent.Intent, got []bool, yield func(Outcome, error) bool) bool {
	fail := func(err error) bool {
		yield(Outcome{}, a.Damaged(ResultName(in.Tag), err))
		return false
	}
	for p, err := range ReadRecords(a.Root, ResultName(in.Tag), a.LabelOf(ResultsKind, in.Tag)) {
		if err != nil {
			return fail(err)
		}
		o, err := DecodeOutcome(p.Record)
		if err != nil || int(o.Row) >= len(got) || got[o.Row] {
			return fail(segment.ErrDamaged)
		}
		o.At, got[o.Row] = p.At, true
		if !yield(o, nil) {
			return false
		}
	}
	return true
}

// Answer returns what is known of the row, which asked the model in the batch.
func (o *Outcome) Answer(row *Entry, model, batch string, codec llm.Codec) sink.Answer {
	a := ReadAnswer(&o.Outcome, codec)
	a.Model = cmp.Or(a.Model, model)
	a.Batch, a.Attempts = batch, row.Attempts()+1
	if o.Origin != "" {
		a.Batch, a.Attempts = o.Origin, row.Attempts()
	}
	return a
}

// Answered reports whether the row's own request was answered, so that it is
// billed. That holds for a row that is not in the answer to a request that it
// shared, too, unless the answer says what it has used: then other rows of the
// request have all of that.
func (o *Outcome) Answered() bool {
	answered := o.Err == nil || o.Err.Code == CodeNotInAnswer && InputOf(o.Body, llm.Usage{}) == 0
	return o.At >= 0 && o.Origin == "" && answered
}

// Cached reports whether the row was answered in another job.
func (o *Outcome) Cached() bool { return o.Origin != "" && !o.Shared }
