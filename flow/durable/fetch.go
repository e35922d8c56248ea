package durable

import (
	"context"
	"errors"
	"iter"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

func resultName(tag string) string { return resultDir + "/" + tag }

// fetch downloads the results of an ended batch to a file, at most one for
// each of its rows. Rows that were not asked for, or come again, are counted
// and left out.
func (e *engine) fetch(ctx context.Context, in intent.Intent) (intent.Intent, error) {
	if in.Batch != "" {
		if same, err := e.sameAccount(ctx, in); !same {
			return in, err
		}
	}
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
	err = writeRecords(e.root, resultName(in.Tag), e.labelOf(resultsKind, in.Tag), func(put func([]byte) error) error {
		var buf []byte
		for o, err := range e.results(ctx, in) {
			if err != nil {
				return err
			}
			n, ok := r.tick(&o)
			if !ok {
				continue
			}
			buf = appendOutcome(buf[:0], n, &o, "")
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
			if err != nil && ctx.Err() == nil && givenUp(in) && (errors.Is(err, sink.ErrNotEnded) || retry.ClassOf(err) == retry.Permanent) {
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
