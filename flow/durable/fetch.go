package durable

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
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
	index, err := e.index(in)
	if err != nil {
		return err
	}
	strays := 0
	err = writeRecords(e.root, resultName(in.Tag), func(put func([]byte) error) error {
		got, buf := make([]bool, in.Rows), []byte(nil)
		for o, err := range e.results(ctx, in) {
			if err != nil {
				return err
			}
			n, ok := index.row(in, &o)
			if !ok || got[n] {
				strays++
				continue
			}
			got[n] = true
			buf = appendOutcome(buf[:0], n, &o)
			if err := put(buf); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && strays > 0 {
		e.strays.Add(int64(strays))
		e.log.WarnContext(ctx, "result rows that were not asked for, or came twice", "batch", in.Batch, "rows", strays)
	}
	return err
}

// results streams what became of the rows of a batch: nothing if it was given up
// before it had a name.
func (e *engine) results(ctx context.Context, in intent.Intent) iter.Seq2[sink.Outcome, error] {
	if in.Batch == "" {
		return func(func(sink.Outcome, error) bool) {}
	}
	return e.provider.Results(ctx, handle(in))
}

// rowIndex finds the place of a row in its batch.
type rowIndex map[itemHash]uint32

func (e *engine) index(in intent.Intent) (rowIndex, error) {
	index := make(rowIndex, in.Rows)
	for row, err := range e.bale(in.Tag) {
		if err != nil {
			return nil, retry.Mark(err, retry.Permanent)
		}
		index[hashKey(row.key)] = uint32(len(index)) //nolint:gosec // bounded by a batch
	}
	return index, nil
}

// row is the place that an outcome belongs to, by its id or its line.
func (x rowIndex) row(in intent.Intent, o *sink.Outcome) (n uint32, ok bool) {
	if o.ID == "" {
		return uint32(o.Line - 1), o.Line >= 1 && o.Line <= in.Rows //nolint:gosec // checked
	}
	h, ok := parseRowID(in.Tag, o.ID)
	if !ok {
		return 0, false
	}
	n, ok = x[h]
	return n, ok
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
func (e *engine) outcomes(in intent.Intent) iter.Seq2[outcome, error] {
	return func(yield func(outcome, error) bool) {
		got := make([]bool, in.Rows)
		if more := e.fetched(in, got, yield); !more {
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

// missing is why a row has no result: the batch was refused as a whole, or it
// ended before the row was run, for example because others were at fault.
func missing(in intent.Intent, others bool) *sink.RowError {
	if in.Reason != nil && !others {
		return &sink.RowError{Class: retry.Permanent, Code: in.Reason.Code, Message: in.Reason.Message}
	}
	return &sink.RowError{Class: retry.Retryable, Code: "not_executed", Message: "the batch ended without a result for this row"}
}

func (e *engine) fetched(in intent.Intent, got []bool, yield func(outcome, error) bool) bool {
	fail := func(err error) bool {
		yield(outcome{}, fmt.Errorf("durable: results of batch %s: %w", in.Tag, err))
		return false
	}
	f, err := e.root.Open(resultName(in.Tag))
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
