package durable

import (
	"encoding/binary"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// itemState only moves forward, but for an item that goes again.
type itemState uint8

const (
	queued itemState = iota + 1
	claimed
	succeeded
	failed
)

// item is the record of one item.
type item struct {
	state   itemState
	content [8]byte // digest of its request, to tell a duplicate from a conflict
	line    uint32  // in the source
	seq     uint64  // of its entry in the ready queue
	tag     string  // of the intent that claimed or settled it
	result  uint64  // ordinal of its result within that intent
}

func (it *item) encode() []byte {
	b := make([]byte, 0, 64)
	b = append(b, byte(it.state))
	b = append(b, it.content[:]...)
	b = binary.BigEndian.AppendUint32(b, it.line)
	b = binary.BigEndian.AppendUint64(b, it.seq)
	b = binary.BigEndian.AppendUint64(b, it.result)
	return append(b, it.tag...)
}

func decodeItem(b []byte) (it item, err error) {
	d := decoder{b: b}
	it.state = itemState(d.u8())
	it.content = [8]byte(d.take(8))
	it.line = d.u32()
	it.seq = d.u64()
	it.result = d.u64()
	it.tag = string(d.b)
	return it, d.err
}

// entry is a ready item: all that is needed to put it into a batch without
// reading its record. It is what the ready queue and a bale hold.
type entry struct {
	key      string
	ref      segment.Ref // of its request
	content  [8]byte
	line     uint32
	lane     uint16
	level    uint8
	attempts uint16 // times it was sent before
	rev      uint64 // of its record, while it is queued
	seq      uint64
}

func (e *entry) encode() []byte {
	b := make([]byte, 0, 64+len(e.key))
	b = binary.BigEndian.AppendUint32(b, e.ref.File)
	b = binary.BigEndian.AppendUint64(b, e.ref.Offset)
	b = binary.BigEndian.AppendUint32(b, e.ref.Len)
	b = append(b, e.content[:]...)
	b = binary.BigEndian.AppendUint32(b, e.line)
	b = binary.BigEndian.AppendUint16(b, e.lane)
	b = append(b, e.level)
	b = binary.BigEndian.AppendUint16(b, e.attempts)
	b = binary.BigEndian.AppendUint64(b, e.rev)
	b = binary.BigEndian.AppendUint64(b, e.seq)
	return append(b, e.key...)
}

func decodeEntry(b []byte) (e entry, err error) {
	d := decoder{b: b}
	e.ref = segment.Ref{File: d.u32(), Offset: d.u64(), Len: d.u32()}
	e.content = [8]byte(d.take(8))
	e.line = d.u32()
	e.lane = d.u16()
	e.level = d.u8()
	e.attempts = d.u16()
	e.rev = d.u64()
	e.seq = d.u64()
	e.key = string(d.b)
	return e, d.err
}

// queue returns the ops that make the entry ready: its record and its place.
func (e *entry) enqueue(k keys) []state.Op {
	it := item{state: queued, content: e.content, line: e.line, seq: e.seq}
	return []state.Op{
		state.Put(k.item(hashKey(e.key)), it.encode(), e.rev),
		state.Put(k.ready(e.level, e.seq), e.encode(), 1),
	}
}

// claim returns the op that gives the item to an intent.
func (e *entry) claim(k keys, tag string) state.Op {
	it := item{state: claimed, content: e.content, line: e.line, seq: e.seq, tag: tag}
	return state.Put(k.item(hashKey(e.key)), it.encode(), e.rev+1)
}

// settle returns the op that records the item's end, as the nth of its intent.
func (e *entry) settle(k keys, tag string, end itemState, nth int) state.Op {
	it := item{state: end, content: e.content, line: e.line, seq: e.seq, tag: tag, result: uint64(nth)} //nolint:gosec // a count
	return state.Put(k.item(hashKey(e.key)), it.encode(), e.rev+2)
}

// again is the entry of an item that was sent and goes again.
func (e entry) again(seq uint64, sent bool) entry {
	e.rev += 2
	e.seq = seq
	if sent {
		e.attempts++
	}
	return e
}
