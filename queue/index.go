package queue

import (
	"fmt"
	"maps"

	"github.com/balerhq/baler/queue/internal/order"
	"github.com/balerhq/baler/queue/internal/rank"
)

// index finds queued items by id. A nil index knows no item.
type index[T any] struct {
	id      func(T) string
	order   order.Indexed[T]
	keys    map[string]rank.Key
	offered map[string]struct{} // ids of the items that Run has on offer
	outside map[string]struct{} // ids that are taken by items not in the queue
	// stored marks the index of a [Durable] queue. Its ids are taken before
	// their items are added, and until these are acknowledged.
	stored bool
}

func newIndex[T any](id func(T) string) *index[T] {
	return &index[T]{
		id:      id,
		keys:    make(map[string]rank.Key),
		offered: make(map[string]struct{}),
		outside: make(map[string]struct{}),
	}
}

// has reports whether an id is taken.
func (x *index[T]) has(id string) bool {
	_, waits := x.keys[id]
	_, offered := x.offered[id]
	_, outside := x.outside[id]
	return waits || offered || outside
}

// claim takes the id of an item that is about to be pushed.
func (x *index[T]) claim(v T) error {
	if x == nil {
		return nil
	}
	id := x.id(v)
	if x.has(id) {
		return fmt.Errorf("%w: %q", ErrDuplicate, id)
	}
	x.outside[id] = struct{}{}
	return nil
}

func (x *index[T]) push(v T) (rank.Key, error) {
	if !x.stored {
		if err := x.claim(v); err != nil {
			return rank.Key{}, err
		}
	}
	k := x.order.Push(v)
	x.moved(v, k)
	return k, nil
}

// moved notes the present key of an item.
func (x *index[T]) moved(v T, k rank.Key) {
	if x != nil {
		id := x.id(v)
		delete(x.offered, id)
		delete(x.outside, id)
		x.keys[id] = k
	}
}

// offer follows a pop whose item may come back.
func (x *index[T]) offer(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.keys, id)
		x.offered[id] = struct{}{}
	}
}

// sent follows the delivery of all items on offer. It does not read them: they
// belong to the receiver by now, which may have acknowledged them.
func (x *index[T]) sent() {
	if x == nil {
		return
	}
	if x.stored {
		maps.Copy(x.outside, x.offered)
	}
	clear(x.offered)
}

// popped follows an item that has left. Unless the item is stored, its id is
// free.
func (x *index[T]) popped(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.keys, id)
		if x.stored {
			x.outside[id] = struct{}{}
		}
	}
}

// free releases an id.
func (x *index[T]) free(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.keys, id)
		delete(x.offered, id)
		delete(x.outside, id)
	}
}
