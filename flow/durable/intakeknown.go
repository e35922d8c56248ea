package durable

import (
	"fmt"
	"slices"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/durable/internal/jobdir"
	"github.com/balerhq/baler/internal/segment"
)

// The index of items finds the place of an item in the request log by a hash of
// its key, which the log then confirms. The index of requests tells whether an
// item asks what an earlier one did. Nothing confirms that, so that it keeps more
// of a hash: one of 350,000 jobs of ten million items takes two for the same. The
// later one then waits for the answer of the other, and is sent when it has none.
// An index may lag behind the log, and is brought up to it when it is opened.
var (
	itemForm    = hashindex.Form{Hash: 5, Number: 6}
	requestForm = hashindex.Form{Hash: 8}
)

// unwritten is how many items an index has in memory before they are written. A
// start reads as many of the request log again.
const unwritten = 1 << 16

// knownItems knows the items that a job has kept, and what they ask.
type knownItems struct {
	dir       *jobdir.Dir
	unwritten int
	room      func(bytes int64) error // on the disk; nil if there always is

	items    *hashindex.Index
	requests *hashindex.Index // nil if it does not matter whether items ask the same
	log      *segment.Reader  // of requests
}

// recall brings both indexes up to the request log, which ends after so many
// items.
func (s *knownItems) recall(log *segment.Log, source *jobdir.SourceState, samples bool) (err error) {
	s.log = log.NewReader()
	if s.items, err = s.open("items", itemForm, source.End); err != nil {
		return err
	}
	from := s.items.UpTo()
	if !samples {
		if s.requests, err = s.open("requests", requestForm, source.End); err != nil {
			return err
		}
		if s.requests.UpTo().Before(from) {
			from = s.requests.UpTo()
		}
	}
	for g, err := range s.dir.IngestedAfter(from, source.End) {
		if err != nil {
			return err
		}
		if err := s.recallGroup(g.Entries, g.Source.End); err != nil {
			return err
		}
	}
	// Otherwise each start would read the log anew until enough is new.
	if s.requests != nil && s.requests.UpTo().Before(s.items.UpTo()) {
		if err := s.requests.Write(source.End); err != nil {
			return err
		}
	}
	if n := s.items.Len(); n != source.Rows {
		return s.dir.Damaged("", fmt.Errorf("the index has lost rows: it knows %d of %d", n, source.Rows))
	}
	return nil
}

func (s *knownItems) open(name string, form hashindex.Form, logEnd segment.Pos) (*hashindex.Index, error) {
	x, err := hashindex.Open(s.dir, name, form, logEnd)
	if err == nil {
		x.Room = s.room
	}
	return x, err
}

// forget frees what is remembered.
func (s *knownItems) forget() error {
	for _, x := range s.indexes() {
		x.Close()
	}
	log := s.log
	s.items, s.requests, s.log = nil, nil, nil
	if log == nil {
		return nil
	}
	return log.Close()
}

// find returns the item of a key, if the job has kept one.
func (s *knownItems) find(key string) (e jobdir.Entry, found bool, err error) {
	places, err := s.items.Find(jobdir.ItemNumber(jobdir.HashKey(key)))
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
func (s *knownItems) again(content jobdir.Digest, target uint16) (bool, error) {
	if s.requests == nil {
		return false, nil
	}
	found, err := s.requests.Find(jobdir.RequestNumber(content, target))
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
func (s *knownItems) recallGroup(entries []jobdir.Entry, upTo segment.Pos) error {
	if s.requests != nil && s.requests.UpTo().Before(upTo) {
		for i := range entries {
			if entries[i].Follows() {
				continue
			}
			// A run with samples has kept items that ask the same.
			if asked, err := s.again(entries[i].Content, entries[i].Target); err != nil {
				return err
			} else if !asked {
				s.ask(entries[i].Content, entries[i].Target)
			}
		}
	}
	if !s.items.UpTo().Before(upTo) {
		return s.write(upTo)
	}
	return s.add(entries, upTo)
}

// add adds items that were kept and that the request log has before a place.
func (s *knownItems) add(entries []jobdir.Entry, upTo segment.Pos) error {
	for i := range entries {
		place := segment.Pos{File: entries[i].Ref.File, Offset: entries[i].Ref.Offset}
		s.items.Add(jobdir.ItemNumber(jobdir.HashKey(entries[i].Key)), jobdir.PlaceNumber(place))
	}
	return s.write(upTo)
}

// write writes both indexes if enough of one is in memory. That of the requests
// has nothing new if all items ask the same, and would be behind for ever.
func (s *knownItems) write(upTo segment.Pos) error {
	all := s.indexes()
	if !slices.ContainsFunc(all, func(x *hashindex.Index) bool { return x.Recent() >= s.unwritten }) {
		return nil
	}
	for _, x := range all {
		if !x.UpTo().Before(upTo) { // it was ahead when the log was read
			continue
		}
		if err := x.Write(upTo); err != nil {
			return err
		}
	}
	return nil
}

// indexes returns those that are open.
func (s *knownItems) indexes() (all []*hashindex.Index) {
	for _, x := range []*hashindex.Index{s.items, s.requests} {
		if x != nil {
			all = append(all, x)
		}
	}
	return all
}
