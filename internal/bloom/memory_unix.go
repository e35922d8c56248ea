//go:build linux || darwin || freebsd

package bloom

import (
	"syscall"
	"unsafe"
)

// allot returns empty blocks that are not on the heap of Go, and what frees
// them. A collector would let as much garbage gather as they have.
func allot(n int) (blocks []block, free func()) {
	all, err := syscall.Mmap(-1, 0, n*int(unsafe.Sizeof(block{})), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]block, n), func() {}
	}
	return unsafe.Slice((*block)(unsafe.Pointer(&all[0])), n), func() { _ = syscall.Munmap(all) } //nolint:gosec // a page is aligned
}
