package queue

import (
	"encoding/binary"

	"github.com/balerhq/baler/queue/internal/rank"
)

// keyspace is the part of a store that belongs to one queue:
//
//	name 0 'q' level sequence   a queued item
//	name 0 'h' level            the head of the level: no item is queued before
//	name 0 'n'                  a bound that no sequence number has reached
//
// Numbers are big-endian and mapped so that bytes sort like keys in memory: the
// most urgent level first. Each level has a head of its own, so that the head
// of an urgent level moves while items of a lower one are stuck.
type keyspace string

func newKeyspace(name string) keyspace { return keyspace(name + "\x00") }

func (k keyspace) items(level int64) []byte { return appendNumber([]byte(k+"q"), sortable(level)) }
func (k keyspace) heads() []byte            { return []byte(k + "h") }
func (k keyspace) head(level int64) []byte  { return appendNumber(k.heads(), sortable(level)) }
func (k keyspace) bound() []byte            { return []byte(k + "n") }

func (k keyspace) item(i rank.Key) []byte { return appendNumber(k.items(i.Urgency), i.Seq) }

// headLevel returns the level in the key of a head.
func headLevel(key []byte) int64 { return int64(lastNumber(key) ^ signBit) }

// itemSeq returns the sequence number in the key of an item.
func itemSeq(key []byte) uint64 { return lastNumber(key) }

const signBit = 1 << 63

// sortable maps the order of signed numbers to that of unsigned ones.
func sortable(n int64) uint64 { return uint64(n) ^ signBit }

func appendNumber(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

func lastNumber(key []byte) uint64 {
	if len(key) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(key[len(key)-8:])
}
