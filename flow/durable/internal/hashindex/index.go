// Package hashindex finds hashes among many millions. They are kept in records
// of a state.Store, where a hash takes a few bytes, since each record holds many
// whose first bits are the same. In memory a hash takes ten to thirteen bits.
package hashindex

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/bloom"
	"github.com/balerhq/baler/internal/segment"
)

// ErrLost means that an index has not all that was written to it.
var ErrLost = errors.New("hashes are missing")

// Form says what an index keeps of a hash and its number. A hash that is found
// may be another one that begins with the same bits.
type Form struct {
	Hash   int // bytes of a hash, after its first ten bits: at most 6
	Number int // bytes of its number: at most 8
}

// Index is a set of hashes, each with a number. What is added is in memory until
// Write. It is for one goroutine.
type Index struct {
	store  state.Store
	prefix []byte
	form   Form

	written header
	filter  *bloom.Filter
	recent  map[uint64]uint64 // numbers of hashes that are not written
	again   []entry           // those of them whose hash is in recent already
}

// header is the record of an index as a whole.
type header struct {
	Parts  uint32      // how often it was written
	Hashes uint64      // that it has
	UpTo   segment.Pos // see Write
}

const headerSize = 4 + 8 + 4 + 8

// Open reads the index whose records have keys that begin with a prefix. There
// may be none yet. It may be ErrLost. O(n).
func Open(ctx context.Context, store state.Store, prefix []byte, form Form) (*Index, error) {
	x := &Index{store: store, prefix: prefix, form: form, recent: make(map[uint64]uint64)}
	if err := x.readHeader(ctx); err != nil {
		return nil, err
	}
	err := x.fill(ctx)
	return x, err
}

// Check reads an index, and returns how many hashes are written.
func Check(ctx context.Context, store state.Store, prefix []byte, form Form) (hashes int, upTo segment.Pos, err error) {
	x := &Index{store: store, prefix: prefix, form: form}
	if err := x.readHeader(ctx); err != nil {
		return 0, upTo, err
	}
	err = x.read(ctx, func(uint64, []byte) {})
	return int(x.written.Hashes), x.written.UpTo, err //nolint:gosec // as many as there are rows
}

// growth is by which part a filter has room for more hashes than there are, and
// least how many it has room for at least. A small part costs time, because the
// index is read again whenever it is used up.
const (
	growth = 4
	least  = 1 << 17
)

// fill makes a filter of what is written, with room for more.
func (x *Index) fill(ctx context.Context) error {
	n := int(x.written.Hashes) //nolint:gosec // as many as there are rows
	x.filter = nil             // before there is another
	x.filter = bloom.New(n + n/growth + least)
	return x.read(ctx, func(bucket uint64, chunk []byte) {
		for rest := range x.form.rests(chunk) {
			x.filter.Add(spread(x.form.whole(bucket, rest)))
		}
	})
}

// read reads all chunks.
func (x *Index) read(ctx context.Context, chunk func(bucket uint64, chunk []byte)) error {
	found := uint64(0)
	for rec, err := range x.store.Scan(ctx, x.prefix, nil) {
		if err != nil {
			return err
		}
		place := rec.Key[len(x.prefix):]
		if !x.holds(place) {
			continue
		}
		found += uint64(len(rec.Value) / x.form.size()) //nolint:gosec // not negative
		chunk(uint64(binary.BigEndian.Uint16(place)), rec.Value)
	}
	if found != x.written.Hashes {
		return fmt.Errorf("%w: it has %d of %d", ErrLost, found, x.written.Hashes)
	}
	return nil
}

func (x *Index) readHeader(ctx context.Context) error {
	rec, err := x.store.Get(ctx, x.prefix)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return nil
	case err != nil:
		return err
	case len(rec.Value) != headerSize:
		return fmt.Errorf("%w: its header has %d bytes", ErrLost, len(rec.Value))
	}
	x.written = header{
		Parts: binary.BigEndian.Uint32(rec.Value), Hashes: binary.BigEndian.Uint64(rec.Value[4:]),
		UpTo: segment.Pos{File: binary.BigEndian.Uint32(rec.Value[12:]), Offset: binary.BigEndian.Uint64(rec.Value[16:])},
	}
	return nil
}

// Len is how many hashes the index has.
func (x *Index) Len() int { return int(x.written.Hashes) + x.Recent() } //nolint:gosec // as many as there are rows

// Recent is how many of them are not written.
func (x *Index) Recent() int { return len(x.recent) + len(x.again) }

// UpTo is what the last Write was told.
func (x *Index) UpTo() segment.Pos { return x.written.UpTo }

// Add adds a hash, whose bits must be as good as random. It may be there
// already.
func (x *Index) Add(hash, number uint64) {
	if !x.filter.Add(spread(x.form.cut(hash))) && x.isRecent(hash) {
		x.again = append(x.again, entry{hash, number})
		return
	}
	x.recent[hash] = number
}

func (x *Index) isRecent(hash uint64) bool {
	_, ok := x.recent[hash]
	return ok
}

// Find returns the numbers of a hash, and with them some of others that begin
// with the same bits. Most hashes that are not there cost 50 ns; one that is
// there costs a read of the store, O(log n) and some for each Write.
func (x *Index) Find(ctx context.Context, hash uint64) ([]uint64, error) {
	if !x.filter.Has(spread(x.form.cut(hash))) {
		return nil, nil
	}
	return x.lookUp(ctx, hash)
}

// lookUp finds a hash that the filter has. It is apart from Find because its
// variables are allocated.
func (x *Index) lookUp(ctx context.Context, hash uint64) (numbers []uint64, err error) {
	cut := x.form.cut(hash)
	if n, ok := x.recent[hash]; ok {
		numbers = append(numbers, n)
	}
	for _, e := range x.again {
		if e.hash == hash {
			numbers = append(numbers, e.number)
		}
	}
	for rec, err := range x.store.Scan(ctx, x.bucketKey(x.form.bucket(cut)), nil) {
		if err != nil {
			return nil, err
		}
		if x.holds(rec.Key[len(x.prefix):]) {
			numbers = x.form.find(numbers, rec.Value, x.form.rest(cut))
		}
	}
	return numbers, nil
}

// Write writes what was added since, in several commits. The caller commits the
// op that it returns. If it does not, the index is next opened as it was before
// with UpTo of then, and what came after that must be added again.
func (x *Index) Write(ctx context.Context, upTo segment.Pos) (state.Op, error) {
	if err := x.writeChunks(ctx); err != nil {
		return state.Op{}, err
	}
	x.written = header{x.written.Parts + 1, uint64(x.Len()), upTo} //nolint:gosec // not negative
	clear(x.recent)
	x.again = nil
	if x.Len()+least/2 > x.filter.Capacity() {
		if err := x.fill(ctx); err != nil {
			return state.Op{}, err
		}
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, headerSize), x.written.Parts)
	b = binary.BigEndian.AppendUint64(b, x.written.Hashes)
	b = binary.BigEndian.AppendUint32(b, upTo.File)
	return state.Put(x.prefix, binary.BigEndian.AppendUint64(b, upTo.Offset), uint64(x.written.Parts)), nil
}
