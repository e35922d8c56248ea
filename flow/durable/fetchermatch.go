package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// matcher matches results to the requests of a batch as they come in.
type matcher struct {
	tag        string
	index      map[jobdir.ItemHash]uint32
	requests   []sharedRequest // nil if each row has its own
	got        []bool          // rows that have a result on disk
	unexpected UnexpectedRows
	one        [1]sink.Outcome // of split, if each row has its own request
}

// match returns the request that a result belongs to, unless the result is
// unexpected. It sets came for each request that it matches in one download.
func (r *matcher) match(o *sink.Outcome, came []bool) (n uint32, ok bool) {
	n, count := r.find(o)
	if count == nil && came[n] {
		count = &r.unexpected.Repeated
	}
	if count != nil {
		*count++
		return 0, false
	}
	came[n] = true
	return n, true
}

// find returns the request of a result, by its id or its line, or the count of
// unexpected rows that the result belongs to.
func (r *matcher) find(o *sink.Outcome) (n uint32, count *int) {
	switch {
	case o.ID == "" && o.Line == 0:
		return 0, &r.unexpected.Foreign
	case o.ID == "" && (o.Line < 0 || o.Line > len(r.index)):
		return 0, &r.unexpected.Surplus
	case o.ID == "":
		return uint32(o.Line - 1), nil //nolint:gosec // checked
	}
	h, ok := jobdir.ParseRowID(r.tag, o.ID)
	if !ok {
		return 0, &r.unexpected.Foreign
	}
	if n, ok = r.index[h]; !ok {
		return 0, &r.unexpected.Surplus
	}
	return n, nil
}

// sharedRequest is a request of one row or of several.
type sharedRequest struct {
	first uint32 // row
	sizes []int  // of the rows' own requests
}

// add adds the next request of the batch.
func (r *matcher) add(in intent.Intent, rows []jobdir.Entry, first int) {
	r.index[jobdir.RequestHash(rows)] = uint32(len(r.index)) //nolint:gosec // bounded by a batch
	if in.Pack == nil {
		return
	}
	q := sharedRequest{first: uint32(first)} //nolint:gosec // bounded by a batch
	for i := range rows {
		q.sizes = append(q.sizes, rows[i].Size())
	}
	r.requests = append(r.requests, q)
}

// split returns the first row of a request, and what its result is for that row
// and those after it. The outcomes are valid until the next call.
func (r *matcher) split(n uint32, o *sink.Outcome, codec llm.Codec) (first uint32, outcomes []sink.Outcome) {
	if r.requests == nil {
		r.one[0] = *o
		return n, r.one[:]
	}
	q := r.requests[n]
	return q.first, jobdir.Split(o, q.sizes, codec)
}

// has reports whether the rows of a request have a result on disk.
func (r *matcher) has(n uint32) bool {
	if r.requests != nil {
		n = r.requests[n].first
	}
	return r.got[n]
}

// missing counts the rows without a result on disk.
func (r *matcher) missing() (n int) {
	for _, ok := range r.got {
		if !ok {
			n++
		}
	}
	return n
}
