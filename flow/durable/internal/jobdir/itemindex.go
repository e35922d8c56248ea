package jobdir

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/balerhq/baler/flow/durable/internal/hashindex"
	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// The index of items finds the place of an item in the request log by a hash of
// its key, which the log then confirms. The index of requests tells whether an
// item asks what an earlier one did. Nothing confirms that, so that it keeps more
// of a hash: one of 6,000 jobs of ten million items takes two for the same. The
// later one then waits for the answer of the other, and is sent when it has none.
// An index may lag behind the log, and is brought up to it when it is opened.
var (
	itemForm    = hashindex.Form{Hash: 4, Number: 6}
	requestForm = hashindex.Form{Hash: 6}
)

// OpenItems opens the index of items.
func (a *Dir) OpenItems(ctx context.Context, store state.Store) (*hashindex.Index, error) {
	x, err := hashindex.Open(ctx, store, a.Keys.Items(), itemForm)
	return x, a.ifIndexLost(err)
}

// OpenRequests opens the index of requests.
func (a *Dir) OpenRequests(ctx context.Context, store state.Store) (*hashindex.Index, error) {
	x, err := hashindex.Open(ctx, store, a.Keys.Requests(), requestForm)
	return x, a.ifIndexLost(err)
}

// CheckItems reads both indexes, and refuses one that has lost what was written
// to it, or knows of more items than there are.
func (a *Dir) CheckItems(ctx context.Context, store state.Store, rows int) error {
	n, _, err := hashindex.Check(ctx, store, a.Keys.Items(), itemForm)
	if err == nil && n > rows {
		return indexLost(a, "rows: it knows %d, and %d were read", n, rows)
	}
	_, _, err2 := hashindex.Check(ctx, store, a.Keys.Requests(), requestForm)
	return errors.Join(a.ifIndexLost(err), a.ifIndexLost(err2))
}

func (a *Dir) ifIndexLost(err error) error {
	if errors.Is(err, hashindex.ErrLost) {
		return indexLost(a, "rows: %w", err)
	}
	return err
}

// ItemNumber returns by what the index of items finds one.
func ItemNumber(h ItemHash) uint64 { return binary.BigEndian.Uint64(h[:]) }

// RequestNumber returns by what the index of requests finds one.
func RequestNumber(content Digest, target uint16) uint64 {
	return binary.BigEndian.Uint64(content[:]) + uint64(target)
}

// placeBits is how many bits the offset of a record in a file of the request log
// has, since none begins behind RequestFileSize.
const placeBits = 26

// RequestFileSize is the size at which another file of the request log begins.
const RequestFileSize = 1 << placeBits

// PlaceNumber returns the number that stands for a place in the request log.
func PlaceNumber(p segment.Pos) uint64 { return uint64(p.File)<<placeBits | p.Offset }

// PlaceOf returns the place that a number stands for.
func PlaceOf(n uint64) segment.Pos {
	return segment.Pos{File: uint32(n >> placeBits), Offset: n & (RequestFileSize - 1)} //nolint:gosec // as PlaceNumber made it
}
