package jobdir

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"strconv"

	"github.com/balerhq/baler/flow/state"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/queue"
)

// Item is the record by which a repeated item is recognized. It is written
// once. Being in the manifest of a batch claims the item, and the progress of
// that batch settles it.
type Item struct {
	Content Digest // of its request, to tell a duplicate from a conflict
	Line    uint32 // in the source
}

// DecodeItem reads the record of an item.
func DecodeItem(b []byte) (it Item, err error) {
	d := Decoder{B: b}
	it.Content = Digest(d.take(16))
	it.Line = d.u32()
	return it, d.Err
}

// Entry is everything that is needed to put an item into a batch. The ready log
// and manifests hold entries, and one precedes each request in the request log.
type Entry struct {
	Key      string
	Ref      segment.Ref // of its request
	Content  Digest
	Line     uint32
	Route    uint16
	Level    uint8
	Attempts uint16 // times it was sent before
	Seq      uint64 // its number in the ready log

	Hit *Hit // from the cache, not stored; nil if there is none
}

// entrySize is the size of an encoded entry without its key.
const entrySize = 16 + 16 + 4 + 2 + 1 + 2 + 8

// Encode returns the entry as a record.
func (e *Entry) Encode() []byte { return e.append(make([]byte, 0, entrySize+len(e.Key))) }

func (e *Entry) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.Ref.File)
	b = binary.BigEndian.AppendUint64(b, e.Ref.Offset)
	b = binary.BigEndian.AppendUint32(b, e.Ref.Len)
	b = append(b, e.Content[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Line)
	b = binary.BigEndian.AppendUint16(b, e.Route)
	b = append(b, e.Level)
	b = binary.BigEndian.AppendUint16(b, e.Attempts)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	return append(b, e.Key...)
}

// DecodeEntry is the inverse of Encode.
func DecodeEntry(b []byte) (e Entry, err error) {
	d := Decoder{B: b}
	e.Ref = segment.Ref{File: d.u32(), Offset: d.U64(), Len: d.u32()}
	e.Content = Digest(d.take(16))
	e.Line = d.u32()
	e.Route = d.u16()
	e.Level = d.u8()
	e.Attempts = d.u16()
	e.Seq = d.U64()
	e.Key = string(d.B)
	return e, d.Err
}

// Remember returns the op that stores the record by which the item is
// recognized from now on.
func (e *Entry) Remember(k Keys) state.Op {
	b := append(make([]byte, 0, 20), e.Content[:]...)
	return state.Put(k.Item(HashKey(e.Key)), binary.BigEndian.AppendUint32(b, e.Line), 1)
}

// Records of the request log: a request is 'r', the length of its entry (u16),
// the entry without place and number, and the body. A group of requests that
// were ingested at once ends with 'g' and the source's state in JSON.
const (
	requestKind = 'r'
	GroupKind   = 'g'
)

// RequestHead returns the bytes that precede the body of a request.
func (e *Entry) RequestHead() []byte {
	b := make([]byte, 0, 3+entrySize+len(e.Key))
	b = append(b, requestKind)
	b = binary.BigEndian.AppendUint16(b, uint16(entrySize+len(e.Key))) //nolint:gosec // keys are short
	return e.append(b)
}

// RequestBody returns the body in a record of the request log.
func RequestBody(record []byte) ([]byte, error) {
	_, body, err := splitRequest(record)
	return body, err
}

func splitRequest(record []byte) (head, body []byte, err error) {
	d := Decoder{B: record}
	kind := d.u8()
	head = d.take(int(d.u16()))
	if d.Err == nil && kind != requestKind {
		d.Err = errors.New("durable: the record is not a request")
	}
	return head, d.B, d.Err
}

// DecodeRequest reads the entry that precedes the body of a request.
func DecodeRequest(record []byte) (Entry, error) {
	head, _, err := splitRequest(record)
	if err != nil {
		return Entry{}, err
	}
	return DecodeEntry(head)
}

// Size returns the size of the body.
func (e *Entry) Size() int { return int(e.Ref.Len) - 3 - entrySize - len(e.Key) }

// Again returns the entry for a retry. If the item was sent, its Attempts grow
// by one.
func (e Entry) Again(sent bool) Entry {
	if sent {
		e.Attempts++
	}
	return e
}

// errShort means that a record ends before its last field.
var errShort = errors.New("durable: record is too short")

// Decoder reads the fields of a record in order. From the first missing field
// on, all are zero and Err is set.
type Decoder struct {
	B   []byte
	Err error
}

func (d *Decoder) take(n int) []byte {
	if d.Err != nil || len(d.B) < n {
		d.Err = errShort
		return make([]byte, min(n, 32))
	}
	b := d.B[:n]
	d.B = d.B[n:]
	return b
}

func (d *Decoder) u8() uint8 { return d.take(1)[0] }

func (d *Decoder) u16() uint16 { return binary.BigEndian.Uint16(d.take(2)) }

func (d *Decoder) u32() uint32 { return binary.BigEndian.Uint32(d.take(4)) }

// U64 reads a number of 8 bytes.
func (d *Decoder) U64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }

func (d *Decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.B)
	if d.Err != nil || size <= 0 {
		d.Err = errShort
		return 0
	}
	d.B = d.B[size:]
	return n
}

// bytes reads a field that follows its length.
func (d *Decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.B)) {
		d.Err = errShort
		return nil
	}
	return d.take(int(n)) //nolint:gosec // not longer than d.B
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// rowOverhead is how many bytes a row needs in a batch beside its body, at
// most: for id, method, endpoint and punctuation.
const rowOverhead = 256

// Weight returns how many bytes the row takes in a batch.
func (e Entry) Weight() int { return e.Size() + rowOverhead }

// RouteKey returns the key by which rows are accumulated. Rows that need not be
// sent have keys of their own.
func (e Entry) RouteKey() string {
	key := strconv.Itoa(int(e.Route))
	if e.Hit != nil {
		key += " cached"
	}
	return key
}

// LevelOf maps a priority to the byte that sorts it: the most urgent first.
func LevelOf(p queue.Priority) uint8 {
	return uint8(math.MaxInt8 - min(max(p, math.MinInt8), math.MaxInt8)) //nolint:gosec // clamped
}

// Priority is the inverse of LevelOf.
func (e Entry) Priority() queue.Priority { return queue.Priority(math.MaxInt8 - int(e.Level)) }

// ItemHash identifies an item. It is the SHA-256 of the item's key. Records use
// 16 bytes of it, the ids of rows use all.
type ItemHash [32]byte

// HashKey returns the hash of the key of an item.
func HashKey(key string) ItemHash { return sha256.Sum256([]byte(key)) }
