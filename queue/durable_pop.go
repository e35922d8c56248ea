package queue

import (
	"context"
	"fmt"
	"slices"

	"github.com/balerhq/baler/queue/internal/rank"
)

// Pop takes the most urgent item; see [Queue.Pop]. It stays stored until
// [Durable.Ack].
func (d *Durable[T]) Pop(ctx context.Context) (Delivery[T], error) {
	if err := d.check(); err != nil {
		return Delivery[T]{}, err
	}
	return d.queue.Pop(ctx)
}

// PopMany takes up to n items; see [Queue.PopMany].
func (d *Durable[T]) PopMany(ctx context.Context, n int) ([]Delivery[T], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return d.queue.PopMany(ctx, n)
}

// Ack removes delivered items from the store, at most 1024 in one commit. It
// skips those that were acknowledged before. After an error the items may come
// again after a restart. Ack may be repeated.
func (d *Durable[T]) Ack(ctx context.Context, deliveries ...Delivery[T]) error {
	if err := d.check(); err != nil {
		return err
	}
	keys, ids := make([]rank.Key, len(deliveries)), make(map[rank.Key]string)
	for i, v := range deliveries {
		keys[i] = v.key
		if d.id != nil {
			ids[v.key] = v.id
		}
	}
	return d.acknowledge(ctx, d.acks.unacked(keys), ids)
}

// acknowledge stores that keys are done and releases their ids.
func (d *Durable[T]) acknowledge(ctx context.Context, keys []rank.Key, ids map[rank.Key]string) error {
	for some := range slices.Chunk(keys, d.acks.maxAcks()) {
		w := d.acks.ack(some)
		if err := d.store.Commit(ctx, w.keys, w.values); err != nil {
			return fmt.Errorf("queue: acknowledge %d items: %w", len(some), err)
		}
		d.freeIDs(d.acks.forget(some), ids)
	}
	return nil
}

// freeIDs releases the ids of keys.
func (d *Durable[T]) freeIDs(keys []rank.Key, ids map[rank.Key]string) {
	if len(ids) == 0 {
		return
	}
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	for _, k := range keys {
		d.queue.index.free(Delivery[T]{id: ids[k]})
	}
}
