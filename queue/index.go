package queue

import "fmt"

// index finds queued items by id. A nil index knows of none.
type index[T any] struct {
	id     func(T) string
	order  ranked[T]
	places map[string]place
	leased map[string]struct{} // ids of the items that Run has on offer
}

func newIndex[T any](id func(T) string) *index[T] {
	return &index[T]{
		id:     id,
		places: make(map[string]place),
		leased: make(map[string]struct{}),
	}
}

// has tells whether an item with that id waits.
func (x *index[T]) has(id string) bool {
	_, waits := x.places[id]
	_, leased := x.leased[id]
	return waits || leased
}

func (x *index[T]) push(v T) (place, error) {
	id := x.id(v)
	if x.has(id) {
		return place{}, fmt.Errorf("%w: %q", ErrDuplicate, id)
	}
	p := x.order.push(v)
	x.places[id] = p
	return p, nil
}

// moved notes the place of an item that the order has moved.
func (x *index[T]) moved(v T, p place) {
	if x != nil {
		x.places[x.id(v)] = p
	}
}

// forget follows a pop.
func (x *index[T]) forget(v T) {
	if x != nil {
		delete(x.places, x.id(v))
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

// release ends all leases: the items came back or went for good.
func (x *index[T]) release() {
	if x != nil {
		clear(x.leased)
	}
}
