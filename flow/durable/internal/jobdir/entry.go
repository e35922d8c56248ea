package jobdir

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/balerhq/baler/internal/intent"
	"github.com/balerhq/baler/internal/segment"
	"github.com/balerhq/baler/queue"
	"github.com/balerhq/baler/sink/llm/price"
)

// Entry is everything that is needed to put an item into a batch. The ready log
// and manifests hold entries, and one precedes each request in the request log.
type Entry struct {
	Key     string
	Content Digest      // of its request
	Ref     segment.Ref // of its request
	Seq     uint64      // its number in the ready log
	Line    uint32
	Target  uint16 // what its request says about where it goes
	Route   uint16 // that it takes; fixed once its batch is sealed

	Level     uint8
	Alone     bool          // it shares no request any more
	Prime     intent.Prefix // what it does to the cache of prompts; not stored, but for its batch
	MaxOutput uint32        // tokens that the answer may have, as the request says; 0 if it does not
	Deadline  uint32        // in seconds since 1970; 0: none
	Since     uint32        // when it was read, likewise; 0: not known
	Frame     uint64        // what its chat has in common with those that it may share a request with; 0 if it shares none

	extra *Extra // what the entries of most jobs do not have; nil if there is none
	past  *past  // what it has of earlier attempts; nil if there were none
	Hit   *Hit   // from the cache, not stored; nil if there is none
}

// EntrySize is the size of an encoded entry without tries, meta, appended turns
// and key.
const EntrySize = 16 + 16 + 4 + 2 + 2 + 1 + 8 + 2

// These flags say what an encoded entry has before its key.
const (
	hasTries = 1 << iota
	hasMeta
	hasAppended
	hasCodes // of the tries
	hasDeadline
	hasSince
	hasFrame
	isAlone
	hasSource
	hasFiles
	hasLimit
	hasMaxOutput
	hasPaid
	hasPrefix
)

// hasPast are the flags of what an entry has of earlier attempts.
const hasPast = hasTries | hasAppended | hasCodes | hasLimit | hasPaid

// hasExtra are the flags of what is in its Extra.
const hasExtra = hasMeta | hasSource | hasFiles | hasPrefix

// frameSize is the size of a Frame in an encoded entry that has one.
const frameSize = 8

// prefixSize is the size of what an encoded entry says about its Prefix.
const prefixSize = 8 + 4

// filesSize is the size of what an encoded entry says about files.
const filesSize = 8 + 4

// Encode returns the entry as a record.
func (e *Entry) Encode() []byte { return e.append(make([]byte, 0, EntrySize+len(e.Key))) }

func (e *Entry) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, e.Ref.File)
	b = binary.BigEndian.AppendUint64(b, e.Ref.Offset)
	b = binary.BigEndian.AppendUint32(b, e.Ref.Len)
	b = append(b, e.Content[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Line)
	b = binary.BigEndian.AppendUint16(b, e.Target)
	b = binary.BigEndian.AppendUint16(b, e.Route)
	b = append(b, e.Level)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	has, at := uint16(0), len(b)
	b = append(b, 0, 0)
	tries := e.Tries()
	if len(tries) > 0 {
		has |= hasTries
		b = append(b, uint8(len(tries))) //nolint:gosec // bounded by Again
		for _, t := range tries {
			b = append(binary.BigEndian.AppendUint16(b, t.Route), t.Times)
		}
	}
	if slices.ContainsFunc(tries, func(t Try) bool { return t.Code != "" }) {
		has |= hasCodes
		for _, t := range tries {
			b = appendBytes(b, []byte(t.Code))
		}
	}
	extra := e.Extra()
	if len(extra.Meta) > 0 {
		has |= hasMeta
		b = appendBytes(b, extra.Meta)
	}
	if turns := e.Appended(); len(turns) > 0 {
		has |= hasAppended
		b = appendBytes(b, turns)
	}
	if e.Deadline != 0 {
		has |= hasDeadline
		b = binary.BigEndian.AppendUint32(b, e.Deadline)
	}
	if e.Since != 0 {
		has |= hasSince
		b = binary.BigEndian.AppendUint32(b, e.Since)
	}
	if e.Frame != 0 {
		has |= hasFrame
		b = binary.BigEndian.AppendUint64(b, e.Frame)
	}
	if e.Alone {
		has |= isAlone
	}
	if extra.Source != "" {
		has |= hasSource
		b = appendBytes(b, []byte(extra.Source))
	}
	if extra.FileBytes != 0 {
		has |= hasFiles
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, extra.FileBytes), extra.FileTokens)
	}
	if tokens := e.Limit(); tokens != 0 {
		has |= hasLimit
		b = binary.BigEndian.AppendUint32(b, tokens)
	}
	if e.MaxOutput != 0 {
		has |= hasMaxOutput
		b = binary.BigEndian.AppendUint32(b, e.MaxOutput)
	}
	if paid := e.Paid(); paid != 0 {
		has |= hasPaid
		b = binary.BigEndian.AppendUint64(b, uint64(paid)) //nolint:gosec // not negative
	}
	if extra.Prefix != 0 {
		has |= hasPrefix
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, extra.Prefix), extra.PrefixTokens)
	}
	binary.BigEndian.PutUint16(b[at:], has)
	return append(b, e.Key...)
}

// DecodeEntry is the inverse of Encode.
func DecodeEntry(b []byte) (e Entry, err error) {
	d := Decoder{B: b}
	e.Ref = segment.Ref{File: d.u32(), Offset: d.U64(), Len: d.u32()}
	e.Content = Digest(d.take(16))
	e.Line = d.u32()
	e.Target, e.Route = d.u16(), d.u16()
	e.Level = d.u8()
	e.Seq = d.U64()
	has := d.u16()
	if has&hasPast != 0 {
		e.past = new(past)
	}
	if has&hasExtra != 0 {
		e.extra = new(Extra)
	}
	if has&hasTries != 0 {
		for range d.u8() {
			e.past.tries = append(e.past.tries, Try{Route: d.u16(), Times: d.u8()})
		}
	}
	if has&hasCodes != 0 {
		for i := range e.past.tries {
			e.past.tries[i].Code = string(d.bytes())
		}
	}
	if has&hasMeta != 0 {
		e.extra.Meta = bytes.Clone(d.bytes())
	}
	if has&hasAppended != 0 {
		e.past.appended = bytes.Clone(d.bytes())
	}
	if has&hasDeadline != 0 {
		e.Deadline = d.u32()
	}
	if has&hasSince != 0 {
		e.Since = d.u32()
	}
	if has&hasFrame != 0 {
		e.Frame = d.U64()
	}
	e.Alone = has&isAlone != 0
	if has&hasSource != 0 {
		e.extra.Source = string(d.bytes())
	}
	if has&hasFiles != 0 {
		e.extra.FileBytes, e.extra.FileTokens = d.U64(), d.u32()
	}
	if has&hasLimit != 0 {
		e.past.limit = d.u32()
	}
	if has&hasMaxOutput != 0 {
		e.MaxOutput = d.u32()
	}
	if has&hasPaid != 0 {
		e.past.paid = price.Money(d.U64()) //nolint:gosec // as append wrote it
	}
	if has&hasPrefix != 0 {
		e.extra.Prefix, e.extra.PrefixTokens = d.U64(), d.u32()
	}
	e.Key = string(d.B)
	return e, d.Err
}

// Records of the request log: a request is 'r', the length of its entry (u16),
// the entry without place and number, and the request. A group of requests that
// were ingested at once ends with 'g' and the source's state in JSON.
const (
	requestKind = 'r'
	GroupKind   = 'g'
)

// requestOverhead is what precedes the entry of a request.
const requestOverhead = 3

// RequestHead returns the bytes that precede a request.
func (e *Entry) RequestHead() []byte {
	extra := e.Extra()
	b := make([]byte, requestOverhead, requestOverhead+EntrySize+len(e.Key)+len(extra.Meta)+len(extra.Source)+2*binary.MaxVarintLen16+frameSize+filesSize+prefixSize)
	b[0] = requestKind
	b = e.append(b)
	binary.BigEndian.PutUint16(b[1:], uint16(len(b)-requestOverhead)) //nolint:gosec // keys and meta are short
	return b
}

func splitRequest(record []byte) (head, request []byte, err error) {
	d := Decoder{B: record}
	kind := d.u8()
	head = d.take(int(d.u16()))
	if d.Err == nil && kind != requestKind {
		d.Err = errors.New("durable: the record is not a request")
	}
	return head, d.B, d.Err
}

// DecodeRequest reads the entry that precedes a request.
func DecodeRequest(record []byte) (Entry, error) {
	head, _, err := splitRequest(record)
	if err != nil {
		return Entry{}, err
	}
	return DecodeEntry(head)
}

// Size returns the size of the request, with the turns that were appended.
func (e *Entry) Size() int {
	head := requestOverhead + EntrySize + len(e.Key)
	extra := e.Extra()
	for _, n := range [...]int{len(extra.Meta), len(extra.Source)} {
		if n > 0 {
			head += (bits.Len(uint(n))+6)/7 + n // behind its length, a uvarint
		}
	}
	if e.Deadline != 0 {
		head += 4
	}
	if e.Since != 0 {
		head += 4
	}
	if e.Frame != 0 {
		head += frameSize
	}
	if extra.FileBytes != 0 {
		head += filesSize
	}
	if e.MaxOutput != 0 {
		head += 4
	}
	if extra.Prefix != 0 {
		head += prefixSize
	}
	return int(e.Ref.Len) - head + len(e.Appended())
}

// Asked returns the size that the tokens of the request go by: four bytes a
// token, whatever its files have.
func (e *Entry) Asked() int { return e.Size() + BytesPerToken*int(e.Extra().FileTokens) }

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

// rowOverhead is how many bytes a row needs in a batch beside its body, at
// most: for id, method, endpoint and punctuation.
const rowOverhead = 256

// Weight returns how many bytes the row takes in a batch.
func (e Entry) Weight() int { return WeightOf(e.Size() + int(e.Extra().FileBytes)) } //nolint:gosec // bounded by what a chat may have

// WeightOf is the weight of a row whose request has that many bytes.
func WeightOf(request int) int { return request + rowOverhead }

// RouteKey returns the key by which rows are accumulated. Rows that need not be
// sent have keys of their own, and so have those that share no request any
// more: they leave no gaps among those that do. So have rows whose beginning is
// to be cached.
func (e Entry) RouteKey() string {
	key := strconv.Itoa(int(e.Route))
	if e.Hit != nil {
		key += " cached"
	}
	if e.Alone {
		key += " alone"
	}
	if e.Prime != 0 {
		key += " " + e.Prime.String()
	}
	return key
}

// FollowerLevel is the level of followers: items that ask what an earlier item
// of the job asks, and wait for its answer.
const FollowerLevel = math.MaxUint8

// Follows reports whether the item is a follower.
func (e Entry) Follows() bool { return e.Level == FollowerLevel }

// LevelOf maps a priority to the byte that sorts it: the most urgent first.
func LevelOf(p queue.Priority) uint8 {
	return uint8(math.MaxInt8 - min(max(p, math.MinInt8+1), math.MaxInt8)) //nolint:gosec // clamped
}

// SecondsOf returns a time as an entry holds it, in seconds since 1970: 0 for
// the zero time, and the nearest that it can hold for any other.
func SecondsOf(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(min(max(t.Unix(), 1), math.MaxUint32)) //nolint:gosec // clamped
}

// TimeOf is the inverse of SecondsOf.
func TimeOf(seconds uint32) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// Priority is the inverse of LevelOf.
func (e Entry) Priority() queue.Priority { return queue.Priority(math.MaxInt8 - int(e.Level)) }

// ItemHash identifies an item. It is the SHA-256 of the item's key.
type ItemHash [32]byte

// HashKey returns the hash of the key of an item.
func HashKey(key string) ItemHash { return sha256.Sum256([]byte(key)) }
