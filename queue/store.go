package queue

import (
	"context"
	"encoding/binary"
)

// Store is what a [Durable] queue needs of a key-value store with ordered keys.
// It is written in built-in types, so that an implementation need not import
// this package. It must be safe for concurrent use.
type Store interface {
	// Commit makes all changes or none, and returns nil only if they survive a
	// crash. It sets each key to its value; a nil value means that the key is
	// done: it may be deleted, or kept as long as Scan does not yield it. No key
	// is written again after it is done. The slices belong to the caller again
	// when Commit returns. A commit is at most 2048 pairs and 512 KiB with 16
	// bytes for each pair, but for an item that is larger by itself.
	Commit(ctx context.Context, keys, values [][]byte) error
	// Scan calls yield for each pair whose key begins with prefix and is not
	// before from, in the order of the keys, until yield returns false. The
	// slices need only hold during the call. from begins with prefix.
	Scan(ctx context.Context, prefix, from []byte, yield func(key, value []byte) bool) error
}

// keyspace is the part of a store that belongs to one queue:
//
//	name 0 'q' level sequence   a queued item
//	name 0 'h' level            the head of the level: nothing is queued before
//	name 0 'n'                  a bound that no sequence number has reached
//
// Numbers are big-endian and turned so that bytes sort like places: the most
// urgent level first. Keeping levels apart keeps the head of an urgent level
// moving while items of a lower one are stuck.
type keyspace string

func newKeyspace(name string) keyspace { return keyspace(name + "\x00") }

func (k keyspace) items(level int64) []byte { return number([]byte(k+"q"), orderly(level)) }
func (k keyspace) heads() []byte            { return []byte(k + "h") }
func (k keyspace) head(level int64) []byte  { return number(k.heads(), orderly(level)) }
func (k keyspace) bound() []byte            { return []byte(k + "n") }

func (k keyspace) item(p place) []byte { return number(k.items(p.key), p.seq) }

// level and sequence read back what a key ends with.
func level64(key []byte) int64   { return int64(tail(key) ^ signBit) }
func sequence(key []byte) uint64 { return tail(key) }

const signBit = 1 << 63

// orderly maps the order of signed numbers to that of unsigned ones.
func orderly(n int64) uint64 { return uint64(n) ^ signBit }

func number(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func tail(key []byte) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key[len(key)-8:])
}
