package durable

import (
	"context"
	"fmt"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// unwritten is how many items an index has in memory before they are written. A
// start reads as many of the request log again.
const unwritten = 1 << 17

// knownItems knows the items that a job has kept, and what they ask.
type knownItems struct {
	dir   *jobdir.Dir
	store state.Store

	items    *hashindex.Index
	requests *hashindex.Index // nil if it does not matter whether items ask the same
	log      *segment.Reader  // of requests
}

// recall brings both indexes up to the request log, which ends after so many
// items.
func (s *knownItems) recall(ctx context.Context, log *segment.Log, source *jobdir.SourceState, samples bool) (err error) {
	s.log = log.NewReader()
	if s.items, err = s.dir.OpenItems(ctx, s.store); err != nil {
		return err
	}
	from := s.items.UpTo()
	if !samples {
		if s.requests, err = s.dir.OpenRequests(ctx, s.store); err != nil {
			return err
		}
		from = earliest(from, s.requests.UpTo())
	}
	for g, err := range s.dir.IngestedAfter(from, source.End) {
		if err != nil {
			return err
		}
		if err := s.recallGroup(ctx, g.Entries, g.Source.End); err != nil {
			return err
		}
	}
	if n := s.items.Len(); n != source.Rows {
		return s.dir.Damaged("", fmt.Errorf("the index has lost rows: it knows %d of %d", n, source.Rows))
	}
	return nil
}

func earliest(a, b segment.Pos) segment.Pos {
	if isBefore(b, a) {
		return b
	}
	return a
}

func isBefore(a, b segment.Pos) bool {
	return a.File < b.File || a.File == b.File && a.Offset < b.Offset
}

// forget frees what is remembered.
func (s *knownItems) forget() error {
	log := s.log
	s.items, s.requests, s.log = nil, nil, nil
	if log == nil {
		return nil
	}
	return log.Close()
}

// find returns the item of a key, if the job has kept one.
func (s *knownItems) find(ctx context.Context, key string) (e jobdir.Entry, found bool, err error) {
	places, err := s.items.Find(ctx, jobdir.ItemNumber(jobdir.HashKey(key)))
	if err != nil {
		return e, false, err
	}
	for _, n := range places {
		record, err := s.log.ReadAt(jobdir.PlaceOf(n))
		if err != nil {
			return e, false, s.dir.IfDamaged(jobdir.RequestDir, err)
		}
		if e, err = jobdir.DecodeRequest(record); err != nil || e.Key == key {
			return e, true, err
		}
	}
	return e, false, nil
}

// again reports whether an item asks what an earlier one has asked.
func (s *knownItems) again(ctx context.Context, content jobdir.Digest, target uint16) (bool, error) {
	if s.requests == nil {
		return false, nil
	}
	found, err := s.requests.Find(ctx, jobdir.RequestNumber(content, target))
	return len(found) > 0, err
}

// ask notes what an item asks that is about to be kept.
func (s *knownItems) ask(content jobdir.Digest, target uint16) {
	if s.requests != nil {
		s.requests.Add(jobdir.RequestNumber(content, target), 0)
	}
}

// recallGroup adds the items that the request log has before a place, unless an
// index has them.
func (s *knownItems) recallGroup(ctx context.Context, entries []jobdir.Entry, upTo segment.Pos) error {
	if s.requests != nil && isBefore(s.requests.UpTo(), upTo) {
		for i := range entries {
			if !entries[i].Follows() {
				s.ask(entries[i].Content, entries[i].Target)
			}
		}
	}
	if !isBefore(s.items.UpTo(), upTo) {
		return s.write(ctx, upTo)
	}
	return s.add(ctx, entries, upTo)
}

// add adds items that were kept and that the request log has before a place.
func (s *knownItems) add(ctx context.Context, entries []jobdir.Entry, upTo segment.Pos) error {
	for i := range entries {
		place := segment.Pos{File: entries[i].Ref.File, Offset: entries[i].Ref.Offset}
		s.items.Add(jobdir.ItemNumber(jobdir.HashKey(entries[i].Key)), jobdir.PlaceNumber(place))
	}
	return s.write(ctx, upTo)
}

// write writes an index if enough of it is in memory.
func (s *knownItems) write(ctx context.Context, upTo segment.Pos) error {
	for _, x := range []*hashindex.Index{s.items, s.requests} {
		if x == nil || x.Recent() < unwritten {
			continue
		}
		op, err := x.Write(ctx, upTo)
		if err != nil {
			return err
		}
		if err := s.store.Commit(ctx, op); err != nil {
			return err
		}
	}
	return nil
}
