// Package bloom remembers which hashes it was given, in ten bits each.
package bloom

import "math/bits"

// Filter is a set of hashes. Has is true of each that was added, and of one in a
// hundred others, or more of them if it holds more hashes than it was made for.
// All 64 bits of a hash must be as good as random. It is for one goroutine.
//
// It has blocks of 512 bits. A hash sets one bit of each word of its block, which
// is one line of the processor's cache. The first bits of the hash choose the
// block, and the last 48 the bits in it.
type Filter struct {
	blocks   []block
	capacity int
	free     func()
}

type block [8]uint64

const bitsEach = 10

// New returns an empty filter for n hashes, to be closed. Where the system can,
// its memory is not on the heap.
func New(n int) *Filter {
	blocks, free := allot(n*bitsEach/512 + 1)
	return &Filter{blocks: blocks, capacity: n, free: free}
}

// Close frees the memory of the filter, which must not be used any more.
func (f *Filter) Close() {
	f.free()
	*f = Filter{free: func() {}}
}

// Capacity is how many hashes the filter was made for.
func (f *Filter) Capacity() int { return f.capacity }

// Add adds a hash, and reports whether Has was false of it.
func (f *Filter) Add(hash uint64) (isNew bool) {
	block, missing := f.of(hash), uint64(0)
	for i := range block {
		bit := uint64(1) << (hash >> (6 * i) & 63)
		missing |= bit &^ block[i]
		block[i] |= bit
	}
	return missing != 0
}

// Has reports whether a hash may have been added.
func (f *Filter) Has(hash uint64) bool {
	block := f.of(hash)
	for i := range block {
		if block[i]>>(hash>>(6*i)&63)&1 == 0 {
			return false
		}
	}
	return true
}

// of returns the block of a hash.
func (f *Filter) of(hash uint64) *block {
	n, _ := bits.Mul64(hash, uint64(len(f.blocks)))
	return &f.blocks[n]
}
