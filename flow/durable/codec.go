package durable

import (
	"encoding/binary"
	"errors"
)

// errShort: a record ends before its fields do.
var errShort = errors.New("durable: record is too short")

// decoder reads the fields of a record in order. After the first that is
// missing, all are zero and err is set.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || len(d.b) < n {
		d.err = errShort
		return make([]byte, min(n, 32))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) u8() uint8   { return d.take(1)[0] }
func (d *decoder) u16() uint16 { return binary.BigEndian.Uint16(d.take(2)) }
func (d *decoder) u32() uint32 { return binary.BigEndian.Uint32(d.take(4)) }
func (d *decoder) u64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }

func (d *decoder) uvarint() uint64 {
	n, size := binary.Uvarint(d.b)
	if d.err != nil || size <= 0 {
		d.err = errShort
		return 0
	}
	d.b = d.b[size:]
	return n
}

// bytes reads a field that its length precedes.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.err = errShort
		return nil
	}
	return d.take(int(n)) //nolint:gosec // not longer than d.b
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
