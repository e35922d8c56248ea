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

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
