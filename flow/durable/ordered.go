package durable

import (
	"cmp"
	"slices"

	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/sink"
)

// shelved is where an item's request and its result are, in 24 bytes.
type shelved struct {
	request  uint64 // file and offset in the request log, which is in the order of the input
	result   int64  // offset in the file of the batch; -1: it has none
	batch    uint32 // among those of a shelf; noBatch: the item is not settled
	attempts uint16 // before
}

const noBatch = 1<<32 - 1

func requestPlace(ref segment.Ref) uint64 { return uint64(ref.File)<<32 | ref.Offset }

// shelf is where items are, and the batches that they name.
type shelf struct {
	archive *Archive
	items   []shelved
	tags    []string
	missing []*sink.RowError // of each batch, for rows that have no result
}

// shelve finds all items that were settled after a position, in the
// order of the input.
func (a *Archive) shelve(after position) (*shelf, error) {
	s := &shelf{archive: a}
	numbers := make(map[string]uint32)
	for settled, err := range a.settledAfter(after) {
		if err != nil {
			return nil, err
		}
		batch, ok := numbers[settled.in.Tag]
		if !ok {
			batch = uint32(len(s.tags)) //nolint:gosec // far fewer than rows
			numbers[settled.in.Tag] = batch
			s.tags, s.missing = append(s.tags, settled.in.Tag), append(s.missing, nil)
		}
		if settled.at < 0 {
			s.missing[batch] = settled.Err
		}
		s.items = append(s.items, shelved{requestPlace(settled.entry.ref), settled.at, batch, settled.entry.attempts})
	}
	s.sort()
	return s, nil
}

func (s *shelf) sort() {
	slices.SortFunc(s.items, func(a, b shelved) int { return cmp.Compare(a.request, b.request) })
}

// readOrdered shows results in the order of the input.
func (a *Archive) readOrdered(q Query, after position, show func(Stored) bool) error {
	s, err := a.shelve(after)
	if err != nil {
		return err
	}
	if a.cancelled {
		if err := s.addCancelled(after); err != nil {
			return err
		}
	}
	r := shelfReader{shelf: s}
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

// shelfReader reads the results of items, keeping files open.
type shelfReader struct {
	*shelf
	requests, results openFile
}

func (r *shelfReader) close() {
	r.requests.close()
	r.results.close()
}

func (r *shelfReader) read(q Query, p shelved) (Stored, error) {
	e, err := r.request(p)
	if err != nil || p.batch == noBatch {
		return Stored{cancelledResult(&e), q.After, int(e.line)}, err
	}
	in := r.archive.intents[r.tags[p.batch]]
	o := outcome{Outcome: sink.Outcome{Err: r.missing[p.batch]}}
	if p.result >= 0 {
		record, err := r.results.readRecord(r.archive.root, resultName(in.Tag), p.result, r.archive.labelOf(resultsKind, in.Tag))
		if err == nil {
			o, err = decodeOutcome(record)
		}
		if err != nil {
			return Stored{}, r.archive.damaged(resultName(in.Tag), err)
		}
	}
	e.attempts = p.attempts
	result := newResult(&e, &o, r.archive.lanes[in.Lane].Model, in.Batch, q.Codec)
	return Stored{result, q.After, int(e.line)}, nil
}

func (r *shelfReader) request(p shelved) (entry, error) {
	ref := segment.Ref{File: uint32(p.request >> 32), Offset: p.request & (1<<32 - 1)} //nolint:gosec // its upper half
	record, err := r.requests.readRequest(&r.archive.files, ref)
	if err != nil {
		return entry{}, r.archive.damaged(requestFile(ref.File), err)
	}
	return decodeRequest(record)
}
