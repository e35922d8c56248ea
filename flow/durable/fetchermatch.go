package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// matcher matches results to the rows of a batch as they come in.
type matcher struct {
	tag        string
	index      map[jobdir.ItemHash]uint32
	got        []bool // rows that have a result on disk
	unexpected UnexpectedRows
}

// match returns the row that a result belongs to, unless the result is
// unexpected. It sets came for each row that it matches in one download.
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

// find returns the row of a result, by its id or its line, or the count of
// unexpected rows that the result belongs to.
func (r *matcher) find(o *sink.Outcome) (n uint32, count *int) {
	switch {
	case o.ID == "" && o.Line == 0:
		return 0, &r.unexpected.Foreign
	case o.ID == "" && (o.Line < 0 || o.Line > len(r.got)):
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

// missing counts the rows without a result on disk.
func (r *matcher) missing() (n int) {
	for _, ok := range r.got {
		if !ok {
			n++
		}
	}
	return n
}
