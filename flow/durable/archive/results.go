package archive

import (
	"fmt"
	"iter"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

// Query says which results of a run to read. Its zero value means all, in the
// order in which they were settled.
type Query struct {
	// After leaves out all results before the cursor. Zero means that none is
	// left out.
	After Cursor
	// Ordered asks for the order of the input. It takes 24 bytes of memory for
	// each item. A cancelled run takes as much in any order, and all its
	// requests are read as well.
	Ordered bool
	// Status selects the results with that status. Zero means all results.
	Status durable.ItemStatus
	// Tenant selects the results of that tenant. Zero means those of all.
	Tenant string
	// Codec reads responses. It should be that of the Job. Zero means that
	// results have no Text and Usage, and that a response which the Job could
	// not read counts as ItemSucceeded.
	Codec llm.Codec
	// Codecs read the responses of a run with routes to several providers, by
	// the name of the provider. Codec reads those of the others.
	Codecs map[string]llm.Codec
}

// codecOf returns the codec that reads the responses of a route.
func (q *Query) codecOf(r jobdir.Route) llm.Codec {
	if c, ok := q.Codecs[r.Provider]; ok {
		return c
	}
	return q.Codec
}

// Result is a result that was kept.
type Result struct {
	durable.Result
	// Cursor is the place after this result. In the order of the input it is
	// the Query's, because others may have been settled meanwhile: continue
	// from Archive.End once everything is read.
	Cursor Cursor
	// Line is the item's line in its source.
	Line int
}

// Results yields the results of the run: for each item, once, the result that
// an Output has got. For a cancelled run it also yields the items without a
// result, as ItemCancelled, after all others. An error, for example ErrPruned,
// is the last thing that it yields.
//
// Results that were settled just before a crash are settled again when the run
// continues. Their cursors and contents stay the same, unless the run then
// allows another number of attempts.
func (a *Archive) Results(q Query) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		after, err := a.begin(q)
		if err == nil {
			err = a.read(q, after, yield)
		}
		if err != nil {
			yield(Result{}, err)
		}
	}
}

func (a *Archive) begin(q Query) (position, error) {
	if a.Pruned != nil {
		return position{}, isPruned(a)
	}
	switch q.Status {
	case "", durable.ItemSucceeded, durable.ItemFailed, durable.ItemCancelled:
	default:
		return position{}, fmt.Errorf("durable: Query.Status is %q: must be %q, %q or %q", q.Status, durable.ItemSucceeded, durable.ItemFailed, durable.ItemCancelled)
	}
	return a.position(q.After)
}

func (a *Archive) read(q Query, after position, yield func(Result, error) bool) error {
	show := func(s Result) bool {
		return q.Status != "" && q.Status != s.Status || q.Tenant != "" && q.Tenant != s.Tenant || yield(s, nil)
	}
	if q.Ordered {
		return a.readOrdered(q, after, show)
	}
	for s, err := range a.settledAfter(after) {
		if err != nil {
			return err
		}
		if !show(a.resultOf(&q, &s)) {
			return nil
		}
	}
	return a.readCancelled(q, after, show)
}

// settlement is an outcome that settled its item.
type settlement struct {
	position // after the outcome
	in       intent.Intent
	entry    *jobdir.Entry
	tiers    []price.Tier // the prices that it was settled at
	jobdir.Outcome
}

// settledAfter yields, in order, the outcomes that settled their item. Each is
// valid until the next one.
func (a *Archive) settledAfter(after position) iter.Seq2[settlement, error] {
	return func(yield func(settlement, error) bool) {
		r := &batchReader{archive: a}
		defer r.close()
		for i := after.chunk; i < len(a.Chunks); i++ {
			from := a.Chunks[i].From
			if i == after.chunk {
				from = min(max(from, after.n), a.Chunks[i].Until)
			}
			more, err := r.chunk(i, from, yield)
			if err != nil {
				yield(settlement{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// batchReader reads chunks of batches. It reads consecutive chunks of a batch
// in one go.
type batchReader struct {
	archive *Archive
	in      intent.Intent
	entries []jobdir.Entry
	n       uint64 // outcomes that were read
	next    func() (jobdir.Outcome, error, bool)
	stop    func()
}

func (r *batchReader) close() {
	if r.stop != nil {
		r.stop()
	}
}

// chunk yields the outcomes of the ith chunk from the nth of its batch on.
func (r *batchReader) chunk(i int, n uint64, yield func(settlement, error) bool) (more bool, err error) {
	c := &r.archive.Chunks[i]
	if c.AllAgain() {
		return true, nil // there may be no results
	}
	if err := r.seek(c.Tag, n); err != nil {
		return false, err
	}
	unsettled := make(map[int]bool)
	for _, span := range c.Again {
		for row := span[0]; row <= span[1]; row++ {
			unsettled[row] = true
		}
	}
	invalid := make(map[int]jobdir.Invalid, len(c.Invalid))
	for _, v := range c.Invalid {
		invalid[v.Row] = v
	}
	for r.n < c.Until {
		o, err := r.read()
		if err != nil {
			return false, err
		}
		if unsettled[int(o.Row)] {
			continue
		}
		if v, ok := invalid[int(o.Row)]; ok {
			o.Err = v.Err()
		}
		s := settlement{position{i, r.n}, r.in, &r.entries[o.Row], c.Tiers, o}
		if !yield(s, nil) {
			return false, nil
		}
	}
	return true, nil
}

// seek goes to the nth outcome of a batch.
func (r *batchReader) seek(tag string, n uint64) (err error) {
	if r.in.Tag != tag || r.n > n {
		r.close()
		r.in, r.n = r.archive.Intents[tag], 0
		if r.entries, err = r.archive.Entries(tag, r.in.Rows); err != nil {
			return err
		}
		r.next, r.stop = iter.Pull2(r.archive.Outcomes(r.in))
	}
	for r.n < n {
		if _, err := r.read(); err != nil {
			return err
		}
	}
	return nil
}

func (r *batchReader) read() (jobdir.Outcome, error) {
	o, err, ok := r.next()
	if !ok {
		return o, fmt.Errorf("durable: batch %s: it has fewer results than were settled", r.in.Tag)
	}
	r.n++
	return o, err
}
