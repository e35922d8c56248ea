package jobdir

import (
	"cmp"
	"crypto/sha256"
	"iter"
	"slices"

	"github.com/balerhq/baler/internal/intent"
)

// shares reports whether the row may share a request with others.
func (e *Entry) shares() bool {
	return e.Frame != 0 && !e.Alone && len(e.Appended()) == 0 && e.Limit() == 0
}

// packing collects rows into requests, in their order.
type packing struct {
	*intent.Pack
	n, size int
	frame   uint64 // of the open request; 0 if it takes no more rows
	target  uint16 // of the open request
}

// next reports whether a row begins a new request.
func (p *packing) next(e *Entry) (begins bool) {
	size := e.Size()
	if p.Pack != nil && p.frame != 0 && e.shares() && e.Frame == p.frame && e.Target == p.target && p.n < p.Rows && (p.Bytes == 0 || p.size+size <= p.Bytes) {
		p.n++
		p.size += size
		return false
	}
	p.n, p.size, p.frame, p.target = 1, size, 0, e.Target
	if e.shares() {
		p.frame = e.Frame
	}
	return true
}

// PackEntries sorts the entries of a batch so that those that may share
// requests follow one another, and returns how they do. It returns nil if none
// does.
func PackEntries(entries []Entry, limits intent.Pack) *intent.Pack {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.frameToShare(), b.frameToShare()), cmp.Compare(a.Target, b.Target))
	})
	p := packing{Pack: &limits}
	limits.Requests = 0
	for i := range entries {
		if p.next(&entries[i]) {
			limits.Requests++
		}
	}
	if limits.Requests == len(entries) {
		return nil
	}
	return &limits
}

func (e *Entry) frameToShare() uint64 {
	if !e.shares() {
		return 0
	}
	return e.Frame
}

// Requests yields the rows of a sealed batch in order, those together that
// share a request. They are valid until the next ones.
func (a *Dir) Requests(in intent.Intent) iter.Seq2[[]Entry, error] {
	return func(yield func([]Entry, error) bool) {
		p := packing{Pack: in.Pack}
		var rows []Entry
		for row, err := range a.Rows(in.Tag) {
			if err != nil {
				yield(nil, err)
				return
			}
			if p.next(&row) && len(rows) > 0 {
				if !yield(rows, nil) {
					return
				}
				rows = rows[:0]
			}
			rows = append(rows, row)
		}
		if len(rows) > 0 {
			yield(rows, nil)
		}
	}
}

// Together returns which rows of a batch share their request with others, nil
// if none does.
func Together(entries []Entry, pack *intent.Pack) []bool {
	if pack == nil {
		return nil
	}
	p, shared := packing{Pack: pack}, make([]bool, len(entries))
	for i := range entries {
		if !p.next(&entries[i]) {
			shared[i-1], shared[i] = true, true
		}
	}
	return shared
}

// RequestHash identifies a request: that of one row is the row's. That of
// several is none of theirs, so that nobody who knows only rows takes the
// answer to all of them for that of one.
func RequestHash(rows []Entry) ItemHash {
	if len(rows) == 1 {
		return HashKey(rows[0].Key)
	}
	sum := sha256.New()
	for i := range rows {
		h := HashKey(rows[i].Key)
		sum.Write(h[:])
	}
	return ItemHash(sum.Sum(nil))
}
