package durable

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"iter"
	"slices"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func resultName(tag string) string { return resultDir + "/" + tag }

// fetch downloads the results of an ended batch to a file, at most one for
// each of its rows. Rows that were not asked for, or come again, are counted
// and left out.
func (e *engine) fetch(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	_, err := heavily(ctx, e, func() (struct{}, error) { return struct{}{}, e.download(ctx, in) })
	if err != nil {
		return in, e.hold(ctx, in, "download", 0, err)
	}
	return e.advance(ctx, in, intent.FetchDone{})
}

func (e *engine) download(ctx context.Context, in intent.Intent) error {
	r, err := e.roll(in)
	if err != nil {
		return err
	}
	err = writeRecords(e.root, resultName(in.Tag), func(put func([]byte) error) error {
		var buf []byte
		for o, err := range e.results(ctx, in) {
			if err != nil {
				return err
			}
			n, ok := r.tick(&o)
			if !ok {
				continue
			}
			buf = appendOutcome(buf[:0], n, &o)
			if err := put(buf); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if strays := r.call(in, e.gate.cancelled()); strays.Total() > 0 {
		e.surprises.addStrays(strays)
		e.log.WarnContext(ctx, "results that are not what was asked for", "tag", in.Tag, "batch", in.Batch, "missing", strays.Missing,
			"repeated", strays.Repeated, "foreign", strays.Foreign, "surplus", strays.Surplus)
	}
	return nil
}

// results streams what became of the rows of a batch: nothing if it was never
// created, and if it was given up, what there is.
func (e *engine) results(ctx context.Context, in intent.Intent) iter.Seq2[sink.Outcome, error] {
	return func(yield func(sink.Outcome, error) bool) {
		if in.Batch == "" {
			return
		}
		for o, err := range e.provider.Results(ctx, handle(in)) {
			if err != nil && givenUp(in) && (errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) == retry.Permanent) {
				return
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

func (e *engine) roll(in intent.Intent) (*roll, error) {
	r := &roll{tag: in.Tag, index: make(map[itemHash]uint32, in.Rows), got: make([]bool, in.Rows)}
	for row, err := range e.bale(in.Tag) {
		if err != nil {
			return nil, retry.Mark(err, retry.Permanent)
		}
		r.index[hashKey(row.key)] = uint32(len(r.index)) //nolint:gosec // bounded by a batch
	}
	return r, nil
}

// An outcome record is: row u32, status u16, class u8 (0: succeeded), code,
// message, body.
func appendOutcome(dst []byte, n uint32, o *sink.Outcome) []byte {
	var failure sink.RowError
	if o.Err != nil {
		failure = *o.Err
	}
	dst = binary.BigEndian.AppendUint32(dst, n)
	dst = binary.BigEndian.AppendUint16(dst, uint16(o.Status)) //nolint:gosec // an HTTP status
	dst = append(dst, byte(failure.Class))
	dst = appendString(dst, failure.Code)
	dst = appendString(dst, failure.Message)
	return appendBytes(dst, o.Body)
}

func decodeOutcome(b []byte) (n uint32, o sink.Outcome, err error) {
	d := decoder{b: b}
	n = d.u32()
	o.Status = int(d.u16())
	class := retry.Class(d.u8())
	code, message := string(d.bytes()), string(d.bytes())
	if body := d.bytes(); len(body) > 0 {
		o.Body = json.RawMessage(body)
	}
	if class != 0 {
		o.Err = &sink.RowError{Class: class, Code: code, Message: message}
	}
	return n, o, d.err
}

// outcome is what became of the nth row of a batch.
type outcome struct {
	row uint32
	sink.Outcome
}

// outcomes yields one outcome for each row of a fetched batch, those without
// a result last. The order is the same every time. Bodies are valid until the
// next one is asked for.
func (a *archive) outcomes(in intent.Intent) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		got := make([]bool, in.Rows)
		if more := a.fetched(in, got, yield); !more {
			return
		}
		err := missing(in, slices.Contains(got, true))
		for n, ok := range got {
			if !ok && !yield(outcome{uint32(n), sink.Outcome{Err: err}}, nil) { //nolint:gosec // bounded by a batch
				return
			}
		}
	}
}

// missing is why a row has no result: the batch was refused as a whole, given
// up, or ended before the row was run, for example because others were at fault.
func missing(in intent.Intent, others bool) *sink.RowError {
	switch {
	case givenUp(in):
		return &sink.RowError{Class: retry.Retryable, Code: in.Reason.Code, Message: in.Reason.Message}
	case in.Reason != nil && !others:
		return &sink.RowError{Class: retry.Permanent, Code: in.Reason.Code, Message: in.Reason.Message}
	}
	return &sink.RowError{Class: retry.Retryable, Code: "not_executed", Message: "the batch ended without a result for this row"}
}

func (a *archive) fetched(in intent.Intent, got []bool, yield func(outcome, error) bool) bool {
	fail := func(err error) bool {
		yield(outcome{}, a.damaged(resultName(in.Tag), err))
		return false
	}
	f, err := a.root.Open(resultName(in.Tag))
	if err != nil {
		return fail(err)
	}
	defer f.Close()
	for record, err := range segment.ReadAll(f) {
		if err != nil {
			return fail(err)
		}
		n, o, err := decodeOutcome(record)
		if err != nil || int(n) >= len(got) {
			return fail(segment.ErrDamaged)
		}
		got[n] = true
		if !yield(outcome{n, o}, nil) {
			return false
		}
	}
	return true
}
