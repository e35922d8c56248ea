package hashindex

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/balerhq/baler/flow/state"
)

// opsOfACommit is how many chunks fit into a commit, whatever their size.
const opsOfACommit = state.MaxCommit / (state.MaxValue + state.MaxKey + 13)

// writeChunks writes what is not written, in chunks.
func (x *Index) writeChunks(ctx context.Context) error {
	var ops []state.Op
	for entries := x.sorted(); len(entries) > 0; {
		n := x.form.sameBucket(entries)
		ops = x.appendBucket(ops, entries[:n])
		entries = entries[n:]
	}
	for some := range slices.Chunk(ops, opsOfACommit) {
		if err := x.store.Commit(ctx, some...); err != nil {
			return err
		}
	}
	return nil
}

// appendBucket appends the ops that write entries of one bucket.
func (x *Index) appendBucket(ops []state.Op, entries []entry) []state.Op {
	piece := byte(0)
	for some := range slices.Chunk(entries, state.MaxValue/x.form.size()) {
		key := x.key(x.form.bucket(some[0].hash), x.written.Parts, piece)
		ops = append(ops, state.Put(key, x.form.chunk(some), 1))
		piece++
	}
	return ops
}

// sorted returns what is not written, by what is kept of the hashes.
func (x *Index) sorted() []entry {
	all := make([]entry, 0, x.Recent())
	for hash, number := range x.recent {
		all = append(all, entry{x.form.cut(hash), number})
	}
	for _, e := range x.again {
		all = append(all, entry{x.form.cut(e.hash), e.number})
	}
	slices.SortFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.number, b.number))
	})
	return all
}

// Keys of chunks: the prefix of the index, bucket2, part4, piece1. A part has
// what one Write wrote, and a piece what fits into a record. The key of the
// header is the prefix alone.

func (x *Index) bucketKey(bucket uint64) []byte {
	key := append(make([]byte, 0, len(x.prefix)+7), x.prefix...)
	return binary.BigEndian.AppendUint16(key, uint16(bucket)) //nolint:gosec // ten bits
}

func (x *Index) key(bucket uint64, part uint32, piece byte) []byte {
	return append(binary.BigEndian.AppendUint32(x.bucketKey(bucket), part), piece)
}

// holds reports whether the rest of a key is that of a chunk of the index. One
// of a Write that was not completed is not.
func (x *Index) holds(place []byte) bool {
	return len(place) == 7 && binary.BigEndian.Uint32(place[2:]) < x.written.Parts
}
