package accumulator

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// What is set aside for a batch before anything is known about how large
// batches get: the largest possible one, but not more than firstBytes; with
// keys, where many are open at a time and most may stay small, room for
// firstItems.
const (
	firstBytes = 16 << 10
	firstItems = 16
)

// slab is the memory of one batch.
type slab[T any] struct {
	items []T
	use   atomic.Uint32 // counts the batches that have lived in it
	home  *pool[T]
	node  node[slab[T]]

	results any // where a Loader puts those of the batch, while it is open
}

// release puts the slab back, unless the batch which lived in it as number
// use has been released already.
func (s *slab[T]) release(use uint32) {
	if !s.use.CompareAndSwap(use, use+1) {
		return
	}
	if s.home.pointers {
		clear(s.items) // do not keep alive what the items point to
	}
	s.items = s.items[:0]
	s.home.idle.put(&s.node)
}

// pool keeps released slabs. It costs nothing when nobody releases.
type pool[T any] struct {
	idle     freeList[slab[T]]
	hint     atomic.Int64 // how many items a batch is likely to get
	pointers bool         // items have some
}

func newPool[T any](l limits, keyed bool, keep int) *pool[T] {
	var zero T
	first := max(1, firstBytes/max(1, int(unsafe.Sizeof(zero))))
	if keyed {
		first = firstItems
	}
	p := &pool[T]{idle: freeList[slab[T]]{most: int64(keep)}, pointers: hasPointers(reflect.TypeFor[T]())}
	p.hint.Store(int64(min(l.items, first)))
	return p
}

// learn takes the size of a batch into account: a larger one than expected at
// once, a smaller one bit by bit, so that small batches in between do not make
// the large ones grow step by step.
func (p *pool[T]) learn(items int) {
	n, hint := int64(items), p.hint.Load()
	if n < hint {
		n = hint - (hint-n+7)/8
	}
	if n != hint {
		p.hint.Store(n)
	}
}

// get returns an empty slab with room for a likely batch.
func (p *pool[T]) get() *slab[T] {
	if s := p.idle.get(); s != nil {
		return s
	}
	s := &slab[T]{items: make([]T, 0, p.hint.Load()), home: p}
	s.node.thing = s
	return s
}

func hasPointers(t reflect.Type) bool {
	k := t.Kind()
	if k == reflect.Array {
		return t.Len() > 0 && hasPointers(t.Elem())
	}
	if k != reflect.Struct {
		return k < reflect.Bool || k > reflect.Complex128
	}
	for f := range t.Fields() {
		if hasPointers(f.Type) {
			return true
		}
	}
	return false
}
