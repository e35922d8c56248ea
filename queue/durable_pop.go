package queue

import (
	"context"
	"fmt"
	"slices"
)

// Pop takes the most urgent item; see [Queue.Pop]. It stays stored until
// [Durable.Ack].
func (d *Durable[T]) Pop(ctx context.Context) (Delivery[T], error) { return d.queue.Pop(ctx) }

// PopMany takes up to n items; see [Queue.PopMany].
func (d *Durable[T]) PopMany(ctx context.Context, n int) ([]Delivery[T], error) {
	return d.queue.PopMany(ctx, n)
}

// Ack removes delivered items from the store, at most 1024 in one commit. It
// passes over those that were acknowledged before. After an error they may come
// again after a restart; Ack may be repeated.
func (d *Durable[T]) Ack(ctx context.Context, deliveries ...Delivery[T]) error {
	places, ids := make([]place, len(deliveries)), make(map[place]string)
	for i, v := range deliveries {
		places[i] = v.place
		if d.id != nil {
			ids[v.place] = v.id
		}
	}
	return d.finish(ctx, d.ledger.waiting(places), ids)
}

// finish stores that places are done and gives their ids free.
func (d *Durable[T]) finish(ctx context.Context, places []place, ids map[place]string) error {
	for some := range slices.Chunk(places, d.ledger.most()) {
		w := d.ledger.finish(some)
		if err := d.store.Commit(ctx, w.keys, w.values); err != nil {
			return fmt.Errorf("queue: acknowledge %d items: %w", len(some), err)
		}
		d.free(d.ledger.settle(some), ids)
	}
	return nil
}

// free gives the ids of places free.
func (d *Durable[T]) free(places []place, ids map[place]string) {
	if len(ids) == 0 {
		return
	}
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	for _, p := range places {
		d.queue.index.free(Delivery[T]{id: ids[p]})
	}
}
