package queue

import (
	"fmt"
	"maps"
)

// index finds queued items by id. A nil index knows of none.
type index[T any] struct {
	id     func(T) string
	order  ranked[T]
	places map[string]place
	leased map[string]struct{} // ids of the items that Run has on offer
	apart  map[string]struct{} // ids that are taken by items not in the queue
	// stored: of a [Durable] queue. Its ids are taken before their items come
	// in, and until they are acknowledged.
	stored bool
}

func newIndex[T any](id func(T) string) *index[T] {
	return &index[T]{
		id:     id,
		places: make(map[string]place),
		leased: make(map[string]struct{}),
		apart:  make(map[string]struct{}),
	}
}

// has tells whether an id is taken.
func (x *index[T]) has(id string) bool {
	_, waits := x.places[id]
	_, leased := x.leased[id]
	_, apart := x.apart[id]
	return waits || leased || apart
}

// claim takes the id of an item that is going to be pushed.
func (x *index[T]) claim(v T) error {
	if x == nil {
		return nil
	}
	id := x.id(v)
	if x.has(id) {
		return fmt.Errorf("%w: %q", ErrDuplicate, id)
	}
	x.apart[id] = struct{}{}
	return nil
}

func (x *index[T]) push(v T) (place, error) {
	if !x.stored {
		if err := x.claim(v); err != nil {
			return place{}, err
		}
	}
	p := x.order.push(v)
	x.moved(v, p)
	return p, nil
}

// moved notes where an item is now.
func (x *index[T]) moved(v T, p place) {
	if x != nil {
		id := x.id(v)
		delete(x.leased, id)
		delete(x.apart, id)
		x.places[id] = p
	}
}

// lease follows a pop whose item may come back.
func (x *index[T]) lease(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.places, id)
		x.leased[id] = struct{}{}
	}
}

// sent follows the delivery of all that is leased. It does not look at the
// items: they belong to somebody else by now, who may have acknowledged them.
func (x *index[T]) sent() {
	if x == nil {
		return
	}
	if x.stored {
		maps.Copy(x.apart, x.leased)
	}
	clear(x.leased)
}

// popped follows an item that has left for good, if it need not be
// acknowledged.
func (x *index[T]) popped(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.places, id)
		if x.stored {
			x.apart[id] = struct{}{}
		}
	}
}

// free gives an id free.
func (x *index[T]) free(v T) {
	if x != nil {
		id := x.id(v)
		delete(x.places, id)
		delete(x.leased, id)
		delete(x.apart, id)
	}
}
