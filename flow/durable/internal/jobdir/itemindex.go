package jobdir

import (
	"encoding/binary"

	"github.com/balerhq/baler/internal/segment"
)

// ItemNumber returns by what the index of items finds one.
func ItemNumber(h ItemHash) uint64 { return binary.BigEndian.Uint64(h[:]) }

// RequestNumber returns by what the index of requests finds one.
func RequestNumber(content Digest, target uint16) uint64 {
	return binary.BigEndian.Uint64(content[:]) + uint64(target)
}

// placeBits is how many bits the offset of a record in a file of the request log
// has, since none begins behind RequestFileSize.
const placeBits = 26

// RequestFileSize is the size at which another file of the request log begins.
const RequestFileSize = 1 << placeBits

// PlaceNumber returns the number that stands for a place in the request log.
func PlaceNumber(p segment.Pos) uint64 { return uint64(p.File)<<placeBits | p.Offset }

// PlaceOf returns the place that a number stands for.
func PlaceOf(n uint64) segment.Pos {
	return segment.Pos{File: uint32(n >> placeBits), Offset: n & (RequestFileSize - 1)} //nolint:gosec // as PlaceNumber made it
}
