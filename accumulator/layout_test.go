package accumulator

import (
	"testing"
	"unsafe"
)

func TestWhatAddNeedsOfABaleIsInOneCacheLine(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("laid out for 64 bits")
	}
	const line = 64
	var b bale[int]
	if end := unsafe.Offsetof(b.weight) + unsafe.Sizeof(b.weight); end > line {
		t.Errorf("it ends at %d, want at most %d", end, line)
	}
	if size := unsafe.Sizeof(b); size != 256 {
		t.Errorf("a bale has %d bytes, want 256, so that it begins with a line", size)
	}
}
