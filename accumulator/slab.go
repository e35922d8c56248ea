package accumulator

import (
	"reflect"
	"sync"
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

// slab is the memory of one batch, and what goes from one goroutine to another
// when the batch is closed.
type slab[T any] struct {
	batch Batch[T] // once it is closed; before that, memory for its items
	use   uint32   // counts the batches that have lived in it; changed under the lock of home
	home  *pool[T]
	next  *slab[T] // in a list of slabs
	epoch *epoch   // what a Flush waits for

	results any // where a Loader puts those of the batch
}

// release puts the slab back, unless the batch which lived in it as number
// use has been released already.
func (s *slab[T]) release(use uint32) {
	p := s.home
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.use != use {
		return
	}
	s.use++
	if p.pointers {
		p.mu.Unlock()
		clear(s.batch.Items) // do not keep alive what the items point to
		p.mu.Lock()
	}
	if p.count < p.most {
		s.next, p.idle = p.idle, s
		p.count++
	}
}

func (s *slab[T]) released(use uint32) bool {
	s.home.mu.Lock()
	defer s.home.mu.Unlock()
	return s.use != use
}

// pool keeps released slabs. Any goroutine may put; one at a time may get.
type pool[T any] struct {
	hint     int      // how many items a batch is likely to get
	pointers bool     // items have some
	most     int      // how many are kept of those put since get last took all; the rest is garbage
	ready    *slab[T] // taken by get, and not needed yet

	_     [32]byte // what follows is for putting
	mu    sync.Mutex
	idle  *slab[T]
	count int
}

func newPool[T any](l limits, keyed bool, keep int) *pool[T] {
	var zero T
	first := max(1, firstBytes/max(1, int(unsafe.Sizeof(zero))))
	if keyed {
		first = firstItems
	}
	return &pool[T]{hint: min(l.items, first), pointers: hasPointers(reflect.TypeFor[T]()), most: keep}
}

// learn takes the size of a batch into account: a larger one than expected at
// once, a smaller one bit by bit, so that small batches in between do not make
// the large ones grow step by step.
func (p *pool[T]) learn(items int) {
	if items < p.hint {
		items = p.hint - (p.hint-items+7)/8
	}
	p.hint = items
}

// get returns an empty slab with room for a likely batch.
func (p *pool[T]) get() *slab[T] {
	if p.ready == nil {
		p.mu.Lock()
		p.ready, p.idle, p.count = p.idle, nil, 0
		p.mu.Unlock()
	}
	s := p.ready
	if s == nil {
		s = &slab[T]{home: p}
		s.batch.slab, s.batch.Items = s, make([]T, 0, p.hint)
		return s
	}
	p.ready, s.next = s.next, nil
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
