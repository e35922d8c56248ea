package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// An envelope is what an engine stores for a value: a version byte, the
// revision, the value and a CRC-32C over all of it and the key. It is never
// empty, because Badger reads a damaged value as an empty one without an error.
const (
	envelopeVersion  = 1
	envelopeOverhead = 1 + 8 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func seal(dst, key, value []byte, rev uint64) []byte {
	dst = append(dst, envelopeVersion)
	dst = binary.BigEndian.AppendUint64(dst, rev)
	dst = append(dst, value...)
	return binary.BigEndian.AppendUint32(dst, checksum(key, dst))
}

// open returns the value inside b, without copying.
func open(key, b []byte) (value []byte, rev uint64, err error) {
	if len(b) < envelopeOverhead {
		return nil, 0, fmt.Errorf("%w: record %x holds %d bytes", ErrDamaged, key, len(b))
	}
	if b[0] != envelopeVersion {
		return nil, 0, fmt.Errorf("%w: record %x has version %d", ErrDamaged, key, b[0])
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if checksum(key, body) != sum {
		return nil, 0, fmt.Errorf("%w: record %x fails its checksum", ErrDamaged, key)
	}
	return body[9:], binary.BigEndian.Uint64(body[1:9]), nil
}

// checksum covers the key too: a value under another key is damage.
func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
}
