// Package bloom remembers which hashes it was given, in about ten bits each.
package bloom

import (
	"encoding/binary"
	"math/bits"
)

// Hash is a part of a cryptographic hash, all of whose bits are random.
type Hash [16]byte

// Max is how many hashes are remembered. They take 20 MB.
const Max = 1<<24 - firstLayer

// Filter is a set of hashes that grows. Has is true of each that was added, and
// of one in a hundred others, or one in twenty when it is nearly full. Beyond
// Max it is true of all. The zero Filter is empty. It is for one goroutine.
type Filter struct {
	layers []layer // each twice as large as the one before
	room   int     // hashes that the last one takes
	n      int
}

const (
	firstLayer = 1 << 16 // hashes
	bitsEach   = 10
)

// layer has blocks of 512 bits. A hash sets one bit of each word of its block,
// which is one line of the processor's cache.
type layer [][8]uint64

// Add adds a hash.
func (f *Filter) Add(h Hash) {
	if f.n++; f.n > Max {
		return
	}
	if f.room == 0 {
		f.room = firstLayer << len(f.layers)
		f.layers = append(f.layers, make(layer, f.room*bitsEach/512))
	}
	f.room--
	block, places := f.layers[len(f.layers)-1].of(h)
	for i := range block {
		block[i] |= 1 << (places >> (6 * i) & 63)
	}
}

// Has reports whether a hash may have been added.
func (f *Filter) Has(h Hash) bool {
	if f.n > Max {
		return true
	}
	for _, l := range f.layers {
		if l.has(h) {
			return true
		}
	}
	return false
}

func (l layer) has(h Hash) bool {
	block, places := l.of(h)
	for i := range block {
		if block[i]>>(places>>(6*i)&63)&1 == 0 {
			return false
		}
	}
	return true
}

// of returns the block of a hash, and the places of its bits there.
func (l layer) of(h Hash) (block *[8]uint64, places uint64) {
	n, _ := bits.Mul64(binary.BigEndian.Uint64(h[:8]), uint64(len(l)))
	return &l[n], binary.BigEndian.Uint64(h[8:])
}
