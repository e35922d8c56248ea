package bloom_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/balerhq/baler/internal/bloom"
)

func hashOf(n int) uint64 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))) //nolint:gosec // not negative
	return binary.BigEndian.Uint64(sum[:8])
}

func TestNothingThatWasAddedIsMissing(t *testing.T) {
	const n = 500_000 // three layers and a part of the fourth
	var f bloom.Filter
	if f.Has(hashOf(0)) {
		t.Error("an empty filter has something")
	}
	others := 0
	for i := range n {
		if f.Has(hashOf(i)) {
			others++
		}
		f.Add(hashOf(i))
	}
	for i := range n {
		if !f.Has(hashOf(i)) {
			t.Fatalf("%d was added and is missing", i)
		}
	}
	if others > n/40 {
		t.Errorf("%d of %d were taken for others", others, n)
	}
}

func TestAFullFilterHasAll(t *testing.T) {
	var f bloom.Filter
	one := hashOf(1)
	for range bloom.Max {
		f.Add(one)
	}
	if f.Has(hashOf(2)) {
		t.Error("it has another hash")
	}
	f.Add(hashOf(3))
	if !f.Has(hashOf(2)) {
		t.Error("a hash is missing that may have been among those that were not remembered")
	}
}

func BenchmarkFilter(b *testing.B) {
	var f bloom.Filter
	for i := range 1_000_000 {
		f.Add(hashOf(i))
	}
	h := hashOf(1_000_000)
	for b.Loop() {
		h += 0x9e3779b97f4a7c15
		f.Has(h)
	}
}
