package archive

import (
	"cmp"
	"math"
	"slices"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm/price"
)

// orderedItem is where an item's request and its result are, in 24 bytes.
type orderedItem struct {
	request  uint64 // file and offset in the request log, which is in the order of the input
	result   int64  // offset in the file of the batch; -1: it has none
	batch    uint32 // index in tags; noBatch: the item is not settled
	attempts uint16 // times that it was sent before
}

const noBatch = 1<<32 - 1

func requestPlace(ref segment.Ref) uint64 { return uint64(ref.File)<<32 | ref.Offset }

// inputOrder is an index of items in the order of the input, and the batches
// that they refer to.
type inputOrder struct {
	archive *Archive
	items   []orderedItem
	tags    []string
	missing []*sink.RowError          // of each batch: the error of rows that have no result
	invalid map[uint64]*sink.RowError // by the place of the request: what is wrong with the answer
	tiers   [][]price.Tier            // of each batch: the prices that its rows were settled at
	paid    map[uint64]price.Money    // by the place of the request: what was paid for an item before
	tries   map[uint64][]jobdir.Try   // by the same: of items that were sent to more than one route
}

// order finds all items that were settled after a position, in the order of the
// input.
func (a *Archive) order(after position) (*inputOrder, error) {
	s := &inputOrder{archive: a, invalid: make(map[uint64]*sink.RowError), tries: make(map[uint64][]jobdir.Try), paid: make(map[uint64]price.Money)}
	numbers := make(map[string]uint32)
	for settled, err := range a.settledAfter(after) {
		if err != nil {
			return nil, err
		}
		batch, ok := numbers[settled.in.Tag]
		if !ok || !slices.Equal(s.tiers[batch], settled.tiers) { // the job has gone on with other prices
			batch = uint32(len(s.tags)) //nolint:gosec // far fewer than rows
			numbers[settled.in.Tag] = batch
			s.tags, s.missing = append(s.tags, settled.in.Tag), append(s.missing, nil)
			s.tiers = append(s.tiers, settled.tiers)
		}
		if settled.At < 0 {
			s.missing[batch] = settled.Err
		} else if settled.Err != nil && settled.Err.Code == sink.CodeInvalidAnswer {
			s.invalid[requestPlace(settled.entry.Ref)] = settled.Err
		}
		if slices.ContainsFunc(settled.entry.Tries(), func(t jobdir.Try) bool { return int(t.Route) != settled.in.Route }) {
			s.tries[requestPlace(settled.entry.Ref)] = settled.entry.Tries()
		}
		if paid := settled.entry.Paid(); paid > 0 {
			s.paid[requestPlace(settled.entry.Ref)] = paid
		}
		s.items = append(s.items, orderedItem{requestPlace(settled.entry.Ref), settled.At, batch, uint16(min(settled.entry.Attempts(), math.MaxUint8))})
	}
	s.sort()
	return s, nil
}

func (s *inputOrder) sort() {
	slices.SortFunc(s.items, func(a, b orderedItem) int { return cmp.Compare(a.request, b.request) })
}

// readOrdered shows results in the order of the input.
func (a *Archive) readOrdered(q Query, after position, show func(Result) bool) error {
	s, err := a.order(after)
	if err != nil {
		return err
	}
	if a.cancelled {
		if err := s.addCancelled(after); err != nil {
			return err
		}
	}
	r := orderedReader{inputOrder: s}
	defer r.close()
	for _, p := range s.items {
		result, err := r.read(q, p)
		if err != nil {
			return err
		}
		if !show(result) {
			return nil
		}
	}
	return nil
}

// orderedReader reads the results of items, keeping files open.
type orderedReader struct {
	*inputOrder
	requests, results jobdir.OpenFile
}

func (r *orderedReader) close() {
	r.requests.Close()
	r.results.Close()
}

func (r *orderedReader) read(q Query, p orderedItem) (Result, error) {
	e, err := r.request(p)
	if err != nil || p.batch == noBatch {
		return Result{r.archive.cancelledResult(&e), q.After, int(e.Line)}, err
	}
	in := r.archive.Intents[r.tags[p.batch]]
	o := jobdir.Outcome{Outcome: sink.Outcome{Err: r.missing[p.batch]}}
	if p.result >= 0 {
		record, err := r.results.ReadRecord(r.archive.Root, jobdir.ResultName(in.Tag), p.result, r.archive.LabelOf(jobdir.ResultsKind, in.Tag))
		if err == nil {
			o, err = jobdir.DecodeOutcome(record)
		}
		if err != nil {
			return Result{}, r.archive.Damaged(jobdir.ResultName(in.Tag), err)
		}
		if wrong := r.invalid[p.request]; wrong != nil {
			o.Err = wrong
		}
	}
	tries := r.tries[p.request]
	if tries == nil {
		tries = []jobdir.Try{{Route: uint16(in.Route), Times: uint8(p.attempts)}} //nolint:gosec // clamped
	}
	e.SetTries(tries)
	if paid := r.paid[p.request]; paid != 0 {
		e.SetPaid(paid)
	}
	result := durable.Result{Cached: o.Cached(), Shared: o.Shared}
	result.SetOrigin(&e, r.archive.TargetOf(int(e.Target)))
	route := r.archive.Routes[in.Route]
	result.SetAnswer(o.Answer(&e, route.Model, in.Batch, q.codecOf(route)))
	r.archive.setValue(&result)
	result.Cost = jobdir.CostOf(&e, &o, result.Usage, r.tiers[p.batch])
	result.SetRoute(&e, in.Route, func(n int) jobdir.Route { return r.archive.Routes[n] })
	return Result{result, q.After, int(e.Line)}, nil
}

func (r *orderedReader) request(p orderedItem) (jobdir.Entry, error) {
	ref := segment.Ref{File: uint32(p.request >> 32), Offset: p.request & (1<<32 - 1)} //nolint:gosec // its upper half
	record, err := r.requests.ReadRequest(&r.archive.Dir, ref)
	if err != nil {
		return jobdir.Entry{}, r.archive.Damaged(jobdir.RequestFile(ref.File), err)
	}
	return jobdir.DecodeRequest(record)
}
