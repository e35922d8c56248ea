package durable

import (
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/sink"
)

// Strays counts result rows that are not what was asked for. None of them is
// handed on.
type Strays struct {
	// Missing rows are in no result of their batch, which ended otherwise well:
	// they went again, or failed. Those that wait for a person do not count yet.
	Missing int `json:"missing"`
	// Repeated results are of a row that had one: the first counts.
	Repeated int `json:"repeated"`
	// Foreign results name a row of another batch, or cannot be read.
	Foreign int `json:"foreign"`
	// Surplus results bear the name of their batch, and no row of it.
	Surplus int `json:"surplus"`
}

// Total is the number of all of them.
func (s Strays) Total() int { return s.Missing + s.Repeated + s.Foreign + s.Surplus }

func (s Strays) add(t Strays) Strays {
	return Strays{s.Missing + t.Missing, s.Repeated + t.Repeated, s.Foreign + t.Foreign, s.Surplus + t.Surplus}
}

// roll ticks off the rows of a batch as their results come in.
type roll struct {
	tag    string
	index  map[jobdir.ItemHash]uint32
	got    []bool // those that have a result on disk
	strays Strays
}

// tick returns the row that a result belongs to, unless it is a stray. It ticks
// off those that came in one download.
func (r *roll) tick(o *sink.Outcome, came []bool) (n uint32, ok bool) {
	n, stray := r.find(o)
	if stray == nil && came[n] {
		stray = &r.strays.Repeated
	}
	if stray != nil {
		*stray++
		return 0, false
	}
	came[n] = true
	return n, true
}

// find returns the row of a result, by its id or its line, or the count of
// strays that it belongs to.
func (r *roll) find(o *sink.Outcome) (n uint32, stray *int) {
	switch {
	case o.ID == "" && o.Line == 0:
		return 0, &r.strays.Foreign
	case o.ID == "" && (o.Line < 0 || o.Line > len(r.got)):
		return 0, &r.strays.Surplus
	case o.ID == "":
		return uint32(o.Line - 1), nil //nolint:gosec // checked
	}
	h, ok := jobdir.ParseRowID(r.tag, o.ID)
	if !ok {
		return 0, &r.strays.Foreign
	}
	if n, ok = r.index[h]; !ok {
		return 0, &r.strays.Surplus
	}
	return n, nil
}

// absent counts the rows without a result on disk.
func (r *roll) absent() (n int) {
	for _, ok := range r.got {
		if !ok {
			n++
		}
	}
	return n
}
