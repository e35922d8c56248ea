package readahead_test

import (
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/balerhq/baler/internal/readahead"
)

func numbers(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func sized(size int) func(*int) int { return func(*int) int { return size } }

func TestAllValuesComeInTheirOrder(t *testing.T) {
	for _, n := range []int{0, 1, 511, 512, 513, 3000} {
		for _, size := range []int{0, 1, 100 << 10, 4 << 20} {
			want := slices.Collect(numbers(n))
			for range 2 { // a sequence can be read again
				if got := slices.Collect(readahead.Seq(numbers(n), sized(size))); !slices.Equal(got, want) {
					t.Fatalf("%d values of %d bytes: got %v", n, size, got)
				}
			}
		}
	}
}

// The bubble fails if the goroutine is left.
func TestTheSequenceEndsWithTheLoop(t *testing.T) {
	for _, size := range []int{0, 1 << 20} {
		for read := range 200 {
			synctest.Test(t, func(t *testing.T) {
				ended := false
				for v := range readahead.Seq(func(yield func(int) bool) {
					defer func() { ended = true }()
					numbers(1000)(yield)
				}, sized(size)) {
					if v == read {
						break
					}
				}
				if !ended {
					t.Fatal("the loop has ended, and the sequence has not")
				}
			})
		}
	}
}

func TestTheSequenceRunsAheadByALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		for v := range readahead.Seq(func(yield func(int) bool) {
			numbers(5000)(func(i int) bool { made.Add(1); return yield(i) })
		}, sized(0)) {
			synctest.Wait()
			if ahead := int(made.Load()) - v; v < 3000 && (ahead < 512 || ahead > 1024) {
				t.Fatalf("%d values ahead", ahead)
			}
		}
	})
}

func TestTwoLargeValuesAreNotInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		for v := range readahead.Seq(func(yield func(int) bool) {
			numbers(10)(func(i int) bool { made.Add(1); return yield(i) })
		}, sized(4<<20)) {
			synctest.Wait()
			if n := int(made.Load()); n != v+1 {
				t.Fatalf("%d values were made when number %d was read", n, v)
			}
		}
	})
}

func TestAPanicIsThatOfTheLoop(t *testing.T) {
	defer func() {
		if got := recover(); got != "lost" {
			t.Fatalf("recovered %v", got)
		}
	}()
	n := 0
	for range readahead.Seq(func(yield func(int) bool) { numbers(100)(yield); panic("lost") }, sized(0)) {
		n++
	}
	t.Fatalf("no panic after %d values", n)
}

func TestASequenceThatEndsItsGoroutineHasNotEnded(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the loop takes it for the end")
		}
	}()
	for range readahead.Seq(func(yield func(int) bool) { numbers(100)(yield); runtime.Goexit() }, sized(0)) {
	}
}
