package queue

// held is an item that was taken out of its order while its change is being
// stored. Its room and its id stay taken.
type held[T any] struct {
	place place
	v     T
}

// hold takes out the item with that id.
func (q *Queue[T]) hold(id string) (held[T], error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p, err := q.find(id)
	if err != nil {
		return held[T]{}, err
	}
	h := held[T]{p, q.index.order.remove(p)}
	q.index.popped(h.v)
	q.kept++
	return h, nil
}

// resume puts a held item back where it was, changed to v.
func (q *Queue[T]) resume(h held[T], v T) {
	q.mu.Lock()
	defer q.unlock()
	q.kept--
	q.order.tick()
	q.order.restore(h.place, h.v)
	q.index.moved(v, q.index.order.update(h.place, v))
}

// release gives up a held item.
func (q *Queue[T]) release(h held[T]) {
	q.mu.Lock()
	defer q.unlock()
	q.kept--
	q.index.free(h.v)
}
