package ready

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s intervalSet
		want := make(map[uint64]bool)
		for _, n := range rapid.SliceOf(rapid.Uint64Range(0, 40)).Draw(t, "numbers") {
			s.add(n)
			want[n] = true
		}
		for n := range uint64(42) {
			if s.has(n) != want[n] {
				t.Fatalf("has(%d) is %t in %v", n, s.has(n), s.spans)
			}
		}
		for i := 1; i < len(s.spans); i++ {
			if s.spans[i-1].last+1 >= s.spans[i].first {
				t.Fatalf("spans %v are not apart", s.spans)
			}
		}
	})
}
