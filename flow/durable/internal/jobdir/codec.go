package jobdir

import (
	"encoding/binary"
	"errors"
)

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

func (d *Decoder) u8() uint8   { return d.take(1)[0] }
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
