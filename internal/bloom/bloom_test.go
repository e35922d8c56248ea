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
	t.Parallel()
	for _, n := range []int{0, 1, 100, 200_000} {
		f := bloom.New(n)
		if f.Has(hashOf(0)) || f.Capacity() != n {
			t.Error("an empty filter has something")
		}
		for i := range 2 * n { // twice as many as it is for
			if had := f.Has(hashOf(i)); f.Add(hashOf(i)) == had {
				t.Fatalf("%d: Has is %t, and Add says the same is new", i, had)
			}
			if f.Add(hashOf(i)) {
				t.Fatalf("%d is new though it was added", i)
			}
		}
		for i := range 2 * n {
			if !f.Has(hashOf(i)) {
				t.Fatalf("%d was added and is missing", i)
			}
		}
		f.Close()
	}
}

func TestFewOthersAreTakenForOnesThatWereAdded(t *testing.T) {
	t.Parallel()
	const n = 200_000
	f := bloom.New(n)
	defer f.Close()
	for i := range n {
		f.Add(hashOf(i))
	}
	others := 0
	for i := range n {
		if f.Has(hashOf(n + i)) {
			others++
		}
	}
	if others > n/50 {
		t.Errorf("%d of %d", others, n)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := bloom.New(1_000_000)
	defer f.Close()
	for i := range 1_000_000 {
		f.Add(hashOf(i))
	}
	h := hashOf(1_000_000)
	for b.Loop() {
		h += 0x9e3779b97f4a7c15
		f.Has(h)
	}
}
