package durable

import (
	"encoding/binary"
	"errors"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
)

// item is the record by which a repeated item is known. It is written once: an
// item is claimed by standing in the bale of a batch, and settled by the
// progress of that batch.
type item struct {
	content digest // of its request, to tell a duplicate from a conflict
	line    uint32 // in the source
}

func decodeItem(b []byte) (it item, err error) {
	d := decoder{b: b}
	it.content = digest(d.take(16))
	it.line = d.u32()
	return it, d.err
}

// entry is an item on its way: all that is needed to put it into a batch. It is
// what the ready queue and a bale hold, and what stands before each request.
type entry struct {
	key      string
	ref      segment.Ref // of its request
	content  digest
	line     uint32
	lane     uint16
	level    uint8
	attempts uint16 // times it was sent before
	seq      uint64 // within the ready queue

	hit *hit // in the cache, not recorded: nil if there is none
}

// entrySize is that of an encoded entry without its key.
const entrySize = 16 + 16 + 4 + 2 + 1 + 2 + 8

func (e *entry) encode() []byte { return e.append(make([]byte, 0, entrySize+len(e.key))) }

func (e *entry) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.ref.File)
	b = binary.BigEndian.AppendUint64(b, e.ref.Offset)
	b = binary.BigEndian.AppendUint32(b, e.ref.Len)
	b = append(b, e.content[:]...)
	b = binary.BigEndian.AppendUint32(b, e.line)
	b = binary.BigEndian.AppendUint16(b, e.lane)
	b = append(b, e.level)
	b = binary.BigEndian.AppendUint16(b, e.attempts)
	b = binary.BigEndian.AppendUint64(b, e.seq)
	return append(b, e.key...)
}

func decodeEntry(b []byte) (e entry, err error) {
	d := decoder{b: b}
	e.ref = segment.Ref{File: d.u32(), Offset: d.u64(), Len: d.u32()}
	e.content = digest(d.take(16))
	e.line = d.u32()
	e.lane = d.u16()
	e.level = d.u8()
	e.attempts = d.u16()
	e.seq = d.u64()
	e.key = string(d.b)
	return e, d.err
}

// remember returns the op by which the item is known from now on.
func (e *entry) remember(k keys) state.Op {
	b := append(make([]byte, 0, 20), e.content[:]...)
	return state.Put(k.item(hashKey(e.key)), binary.BigEndian.AppendUint32(b, e.line), 1)
}

// Records of the request log: a request is 'r', the length of its entry (u16),
// the entry without place and number, and the body. A group of requests that
// were ingested at once ends with 'g' and the source's state in JSON.
const (
	requestKind = 'r'
	groupKind   = 'g'
)

// requestHead is what precedes the body of a request.
func (e *entry) requestHead() []byte {
	b := make([]byte, 0, 3+entrySize+len(e.key))
	b = append(b, requestKind)
	b = binary.BigEndian.AppendUint16(b, uint16(entrySize+len(e.key))) //nolint:gosec // keys are short
	return e.append(b)
}

// requestBody is the body in a record of the request log.
func requestBody(record []byte) ([]byte, error) {
	_, body, err := splitRequest(record)
	return body, err
}

func splitRequest(record []byte) (head, body []byte, err error) {
	d := decoder{b: record}
	kind := d.u8()
	head = d.take(int(d.u16()))
	if d.err == nil && kind != requestKind {
		d.err = errors.New("durable: the record is not a request")
	}
	return head, d.b, d.err
}

// decodeRequest reads what precedes the body of a request.
func decodeRequest(record []byte) (entry, error) {
	head, _, err := splitRequest(record)
	if err != nil {
		return entry{}, err
	}
	return decodeEntry(head)
}

// size is that of the body.
func (e *entry) size() int { return int(e.ref.Len) - 3 - entrySize - len(e.key) }

// again is the entry of an item that goes again, after it was sent or not.
func (e entry) again(sent bool) entry {
	if sent {
		e.attempts++
	}
	return e
}
