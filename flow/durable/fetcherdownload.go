package durable

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/purchase"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
)

// download adds the provider's results of an ended batch to those on disk, at
// most one for each row. Rows that are unexpected or repeated are counted and
// left out. It returns an error only for the disk or the end of ctx. Errors of
// the results are in found.
func (f *fetcher) download(ctx context.Context, in intent.Intent) (found harvest, err error) {
	err = f.raw.keep(ctx, in, func(ctx context.Context) error {
		found, err = f.downloadResults(ctx, in)
		return err
	})
	return found, err
}

func (f *fetcher) downloadResults(ctx context.Context, in intent.Intent) (found harvest, err error) {
	r, err := f.newMatcher(in)
	if err != nil {
		return found, err
	}
	kept, err := f.earlier(ctx, in, r)
	if err != nil {
		return found, err
	}
	err = jobdir.WriteRecords(f.Root, jobdir.ResultName(in.Tag), f.LabelOf(jobdir.ResultsKind, in.Tag), func(put jobdir.Put) error {
		found, err = f.harvest(ctx, in, r, kept, put)
		if err == nil && kept && found.fresh == 0 {
			err = errNothingNew
		}
		return err
	})
	if err != nil && !errors.Is(err, errNothingNew) {
		return found, err
	}
	return found, nil
}

// errNothingNew leaves the results on disk as they are.
var errNothingNew = errors.New("durable: no new results")

// earlier reports whether a batch with missing rows has results of earlier
// downloads. It ticks off their rows. Their order must stay, so they are
// copied. If they cannot be read any more, that does not matter as long as none
// is settled.
func (f *fetcher) earlier(ctx context.Context, in intent.Intent, r *matcher) (bool, error) {
	if in.Missing == 0 {
		return false, nil
	}
	var damage error
	f.Fetched(in, r.got, func(_ jobdir.Outcome, err error) bool {
		damage = err
		return err == nil
	})
	if damage == nil {
		return true, nil
	}
	n, err := f.RowsSettled(ctx, f.store, in.Tag)
	if err != nil || n > 0 {
		return false, errors.Join(damage, err)
	}
	clear(r.got)
	return false, nil
}

// harvest is the outcome of a download.
type harvest struct {
	fresh      int   // rows that had no result before
	absent     int   // rows that have none now
	received   int   // requests that the download had results of
	skips      int   // requests among these that the provider says it skipped
	err        error // why there may be more
	unexpected UnexpectedRows
}

// harvest writes the new results, after the old ones if there are any.
func (f *fetcher) harvest(ctx context.Context, in intent.Intent, r *matcher, kept bool, put jobdir.Put) (h harvest, err error) {
	var buf []byte
	came := make([]bool, in.Requests())
	codec := f.batches.serviceOf(in).info.Codec
	gone := f.batches.stored.goneFiles(in)
	defer gone.close()
	for o, err := range f.results(ctx, in) {
		if ctx.Err() != nil {
			return h, context.Cause(ctx)
		}
		if err != nil && in.Batch == "" {
			return h, err // it is of this machine
		}
		if err != nil {
			h.err = err
			break
		}
		n, ok := r.match(&o, came)
		if !ok {
			continue
		}
		h.received++
		if o.Skipped {
			h.skips++
		}
		if r.has(n) {
			continue
		}
		if h.fresh == 0 && kept {
			if err := f.copyResults(in, put); err != nil {
				return h, err
			}
		}
		first, outcomes := r.split(n, &o, codec)
		if err := gone.judge(ctx, first, outcomes); local(err) {
			return h, err
		} else if err != nil {
			h.err = err
			break
		}
		for i := range outcomes {
			row := first + uint32(i) //nolint:gosec // bounded by a batch
			r.got[row] = true
			h.fresh++
			dropTooLarge(&outcomes[i], maxAnswer)
			if buf, err = jobdir.PutOutcome(put, buf, row, &outcomes[i], "", false); err != nil {
				return h, err
			}
		}
	}
	h.absent, h.unexpected = r.missing(), r.unexpected
	return h, nil
}

// maxAnswer is how many bytes of an answer can be kept, beside what else is
// known of the row.
const maxAnswer = segment.MaxRecord - 64<<10

// dropTooLarge fails a row whose answer has more than most bytes. It would get
// no smaller one if it was sent again.
func dropTooLarge(o *sink.Outcome, most int) {
	if n := len(o.Body); n > most {
		o.Body = nil
		o.Err = &sink.RowError{
			Class: retry.Permanent, Code: "answer_too_large", Message: fmt.Sprintf("the answer has %d bytes, and one that is kept at most %d", n, most),
		}
	}
}

// copyResults writes the records of a file of results.
func (f *fetcher) copyResults(in intent.Intent, put jobdir.Put) error {
	for p, err := range jobdir.ReadRecords(f.Root, jobdir.ResultName(in.Tag), f.LabelOf(jobdir.ResultsKind, in.Tag)) {
		if err != nil {
			return f.Damaged(jobdir.ResultName(in.Tag), err)
		}
		if err := put(p.Record); err != nil {
			return err
		}
	}
	return nil
}

// results streams the outcomes of a batch's rows. It yields nothing if the
// batch was given up and is gone, and only rows whose files are refused if it
// was never created.
func (f *fetcher) results(ctx context.Context, in intent.Intent) iter.Seq2[sink.Outcome, error] {
	if isFileRefused(in) {
		return f.batches.stored.refusedRows(in)
	}
	return func(yield func(sink.Outcome, error) bool) {
		if in.Batch == "" {
			return
		}
		for o, err := range f.batches.serviceOf(in).Results(ctx, handle(in)) {
			if err != nil && ctx.Err() == nil && in.GivenUp() && purchase.IsGone(err) {
				return
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

func (f *fetcher) newMatcher(in intent.Intent) (*matcher, error) {
	r := &matcher{tag: in.Tag, index: make(map[jobdir.ItemHash]uint32, in.Requests()), got: make([]bool, in.Rows)}
	first := 0
	for rows, err := range f.Requests(in) {
		if err != nil {
			return nil, retry.Mark(err, retry.Permanent)
		}
		r.add(in, rows, first)
		first += len(rows)
	}
	return r, nil
}
