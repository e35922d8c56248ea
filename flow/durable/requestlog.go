package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/balerhq/baler/internal/segment"
)

// ingested is a group of items as the request log has it, and the state of the
// source behind it.
type ingested struct {
	entries []entry
	source  sourceState
}

// ingestedGroups yields what the request log holds up to an end, in order. An
// error is the last.
func (a *files) ingestedGroups(end segment.Pos) iter.Seq2[ingested, error] {
	return func(yield func(ingested, error) bool) {
		if err := a.readGroups(end, func(g ingested) bool { return yield(g, nil) }); err != nil {
			yield(ingested{}, a.damaged(requestDir, err))
		}
	}
}

func (a *files) readGroups(end segment.Pos, yield func(ingested) bool) error {
	var g ingested
	for rec, err := range segment.Look(a.root, requestDir, a.requestsLabel()).Scan(segment.Pos{}, end) {
		if err != nil {
			return err
		}
		ended, err := g.take(&rec)
		if err != nil {
			return fmt.Errorf("read %s at %d of file %d: %w", requestDir, rec.Offset, rec.File, err)
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
		g.entries = append(g.entries, e)
		return false, err
	case groupKind:
		err := json.Unmarshal(rec.Payload[1:], &g.source)
		g.source.End = rec.End()
		return true, err
	}
	return false, errors.New("a record of another kind")
}

// requestEntry is the entry that stands before a request.
func requestEntry(rec *segment.Record) (entry, error) {
	e, err := decodeRequest(rec.Payload)
	e.ref = rec.Ref
	return e, err
}
