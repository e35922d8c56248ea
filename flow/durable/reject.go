package durable

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"github.com/balerhq/baler/flow/durable/internal/jobdir"
)

// Reject is an item that a job has left out because it cannot be used.
type Reject struct {
	Source string          `json:"file"` // name of the input
	Line   int             `json:"line"`
	Reason string          `json:"reason"`
	Row    json.RawMessage `json:"row,omitempty"` // the item, or if it cannot be read, its bytes as a text
}

// badRow is the error of a source about a row after which there may be others,
// if passesBadRows says so.
type badRow interface {
	error
	// BadRow returns the bytes of the row, the name of the input, the line and
	// what is wrong, or false if the error is about more than a row.
	BadRow() (raw []byte, source string, line int, ok bool, reason error)
}

// passesBadRows reports whether the items of a source go on after a badRow. An
// error that another source made does not say so: what is between may have
// ended with it.
func passesBadRows(source any) bool {
	s, ok := source.(interface{ PassesBadRows() bool })
	return ok && s.PassesBadRows()
}

// rejectOf returns what is kept of a row that the source cannot read, if there
// may be others after it.
func (r *reader[T]) rejectOf(err error) (jobdir.Reject, bool) {
	bad, ok := errors.AsType[badRow](err)
	if !ok || r.job.Rejects == nil || !passesBadRows(r.job.Source) {
		return jobdir.Reject{}, false
	}
	raw, name, line, ok, reason := bad.BadRow()
	text, _ := json.Marshal(validText(raw)) // of a text
	return jobdir.Reject{Source: name, Line: line, Reason: reason.Error(), Row: text}, ok
}

// validText returns bytes as a text, each that is none as its code.
func validText(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	text := make([]rune, 0, len(raw))
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size == 1 {
			r = rune(raw[0]) // as Latin-1, which it most likely is
		}
		text, raw = append(text, r), raw[size:]
	}
	return string(text)
}

// reject returns what is kept of an item that cannot be used.
func reject(item any, err error) (jobdir.Reject, bool) {
	bad, ok := errors.AsType[*InputError](err)
	if !ok {
		return jobdir.Reject{}, false
	}
	row, err := json.Marshal(item)
	if err != nil || len(row) > maxRejected {
		row = nil
	}
	return jobdir.Reject{Source: bad.Source, Line: bad.Line, Reason: bad.Err.Error(), Row: row}, true
}

// maxRejected limits an item that is kept with the reason, in bytes.
const maxRejected = 1 << 20

// tellRejects passes all items on that the job has left out.
func (ik *intake) tellRejects() error {
	if ik.onRejects == nil {
		return nil
	}
	if err := ik.onRejects(ik.rejects()); err != nil {
		return fmt.Errorf("durable: Job.Rejects: %w", err)
	}
	return nil
}

// rejects yields them in the order of the input. It reads the request log.
func (ik *intake) rejects() iter.Seq2[Reject, error] {
	return func(yield func(Reject, error) bool) {
		if ik.source.Value.Rejected == 0 {
			return
		}
		for g, err := range ik.IngestedGroups(ik.source.Value.End) {
			if err != nil {
				yield(Reject{}, err)
				return
			}
			for _, r := range g.Rejects {
				if !yield(Reject(r), nil) {
					return
				}
			}
		}
	}
}

// recallRejects remembers what was left out before, if there is any.
func (ik *intake) recallRejects() error {
	ik.rejected = make(map[[sha256.Size]byte]bool)
	if ik.onRejects == nil {
		return nil
	}
	for r, err := range ik.rejects() {
		if err != nil {
			return err
		}
		ik.rejected[digestOf(jobdir.Reject(r))] = true
	}
	return nil
}

// freshRejects returns those that were not left out before, in the order of the
// input: a source may begin again before them.
func (ik *intake) freshRejects(all []leftOut) []jobdir.Reject {
	slices.SortStableFunc(all, func(a, b leftOut) int { return cmp.Compare(a.place, b.place) })
	var fresh []jobdir.Reject
	for _, r := range all {
		if d := digestOf(r.Reject); !ik.rejected[d] {
			ik.rejected[d] = true
			fresh = append(fresh, r.Reject)
		}
	}
	return fresh
}

// digestOf identifies an item that was left out by its place and content.
func digestOf(r jobdir.Reject) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%q %d %s", r.Source, r.Line, r.Row))
}

// leaveOut reports whether a row is left out because of an error.
func (ik *intake) leaveOut(g *group, r *row, err error) bool {
	if err == nil || ik.onRejects == nil {
		return false
	}
	rejected, ok := reject(r.item, err)
	if ok {
		n := slices.IndexFunc(g.rows, func(other row) bool { return other.name == r.name && other.line == r.line && other.key == r.key })
		g.rejected = append(g.rejected, leftOut{rejected, beforeRow(n) + 1})
	}
	return ok
}
