package accumulator

import (
	"testing"
	"unsafe"
)

func TestAHandleHasItsCacheLinesToItself(t *testing.T) {
	on64Bits(t)
	if size := unsafe.Sizeof(Producer[int]{}); size != 128 {
		t.Errorf("a handle has %d bytes, want 128, so that it begins with a line and ends with one", size)
	}
}

func TestWhatAddNeedsOfABaleIsInOneCacheLine(t *testing.T) {
	on64Bits(t)
	const line = 64
	var b openBatch[int]
	if end := unsafe.Offsetof(b.weight) + unsafe.Sizeof(b.weight); end > line {
		t.Errorf("it ends at %d, want at most %d", end, line)
	}
	if size := unsafe.Sizeof(b); size != 256 {
		t.Errorf("an open batch has %d bytes, want 256, so that it begins with a line", size)
	}
}

func TestTheLockOfAddIsInALineWithTheBatchAndWithoutWhatIsReadBefore(t *testing.T) {
	on64Bits(t)
	const header = 8 // that the allocator puts before an object of this size
	var a Accumulator[int]
	line := func(offset uintptr) uintptr { return (header + offset) / 64 }
	mu, current, plain := line(unsafe.Offsetof(a.mu)), line(unsafe.Offsetof(a.current)), line(unsafe.Offsetof(a.plain))
	if mu != current || mu == plain {
		t.Errorf("the lock, the open batch and plain are in lines %d, %d and %d, want the first two together", mu, current, plain)
	}
}

func on64Bits(t *testing.T) {
	t.Helper()
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("laid out for 64 bits")
	}
}
