package jobdir

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/balerhq/baler/internal/segment"
)

// ingested is a group of items of the request log, and the state of the source
// after it.
type ingested struct {
	Entries []Entry
	Rejects []Reject
	Source  SourceState
}

// Group is what ends a group in the request log.
type Group struct {
	SourceState
	Rejects []Reject `json:"rejects,omitempty"`
}

// Reject is an item that cannot be used.
type Reject struct {
	Source string          `json:"source"`
	Line   int             `json:"line"`
	Reason string          `json:"reason"`
	Row    json.RawMessage `json:"row,omitempty"`
}

// IngestedGroups yields the groups of the request log up to an end, in order.
// An error is the last thing that it yields.
func (a *Dir) IngestedGroups(end segment.Pos) iter.Seq2[ingested, error] {
	return a.IngestedAfter(segment.Pos{}, end)
}

// IngestedAfter yields those after a place, where another group ends.
func (a *Dir) IngestedAfter(from, end segment.Pos) iter.Seq2[ingested, error] {
	return func(yield func(ingested, error) bool) {
		if err := readGroups(a, from, end, func(g ingested) bool { return yield(g, nil) }); err != nil {
			yield(ingested{}, a.Damaged(RequestDir, err))
		}
	}
}

func readGroups(a *Dir, from, end segment.Pos, yield func(ingested) bool) error {
	var g ingested
	for rec, err := range segment.Look(a.Root, RequestDir, a.RequestsLabel()).Scan(from, end) {
		if err != nil {
			return err
		}
		ended, err := g.take(&rec)
		if err != nil {
			return fmt.Errorf("read %s at %d of file %d: %w", RequestDir, rec.Offset, rec.File, err)
		}
		if !ended {
			continue
		}
		if !yield(g) {
			return nil
		}
		g = ingested{}
	}
	return nil
}

// take adds a record and reports whether it ends the group.
func (g *ingested) take(rec *segment.Record) (ended bool, err error) {
	if len(rec.Payload) == 0 {
		return false, errShort
	}
	switch rec.Payload[0] {
	case requestKind:
		e, err := requestEntry(rec)
		g.Entries = append(g.Entries, e)
		return false, err
	case GroupKind:
		var end Group
		err := json.Unmarshal(rec.Payload[1:], &end)
		g.Source, g.Rejects = end.SourceState, end.Rejects
		g.Source.End = rec.End()
		return true, err
	}
	return false, errors.New("a record of another kind")
}

// requestEntry returns the entry that precedes a request.
func requestEntry(rec *segment.Record) (Entry, error) {
	e, err := DecodeRequest(rec.Payload)
	e.Ref = rec.Ref
	return e, err
}
