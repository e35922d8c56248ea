// Package bloom remembers which hashes it was given, in about ten bits each.
package bloom

import "math/bits"

// Max is how many hashes are remembered. They take 20 MB.
const Max = 1<<24 - firstLayer

// Filter is a set of hashes that grows. Has is true of each that was added, and
// of one in a hundred others, or one in twenty when it is nearly full. Beyond
// Max it is true of all. All 64 bits of a hash must be as good as random. The
// zero Filter is empty. It is for one goroutine.
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
// which is one line of the processor's cache. The first bits of the hash choose
// the block, and the last 48 the bits in it.
type layer [][8]uint64

// Add adds a hash.
func (f *Filter) Add(hash uint64) {
	if f.n++; f.n > Max {
		return
	}
	if f.room == 0 {
		f.room = firstLayer << len(f.layers)
		f.layers = append(f.layers, make(layer, f.room*bitsEach/512))
	}
	f.room--
	block := f.layers[len(f.layers)-1].of(hash)
	for i := range block {
		block[i] |= 1 << (hash >> (6 * i) & 63)
	}
}

// Has reports whether a hash may have been added.
func (f *Filter) Has(hash uint64) bool {
	if f.n > Max {
		return true
	}
	for _, l := range f.layers {
		if l.has(hash) {
			return true
		}
	}
	return false
}

func (l layer) has(hash uint64) bool {
	block := l.of(hash)
	for i := range block {
		if block[i]>>(hash>>(6*i)&63)&1 == 0 {
			return false
		}
	}
	return true
}

// of returns the block of a hash.
func (l layer) of(hash uint64) *[8]uint64 {
	n, _ := bits.Mul64(hash, uint64(len(l)))
	return &l[n]
}
