package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// commitItems is the most items in one commit.
const commitItems = 1024

// Push stores v and adds it, waiting for room while the queue is full. It
// returns [ErrClosed], the cause of a done ctx, or what the store or the
// encoding says. After an error of the store the item may or may not be there
// after a restart; it is not before.
func (d *Durable[T]) Push(ctx context.Context, v T) error {
	_, err := d.PushMany(ctx, []T{v})
	return err
}

// PushMany stores and adds the items in order and returns how many it added:
// all of them, unless the error says why not. As many as there is room for
// share one commit, so this is much cheaper than as many calls of Push.
func (d *Durable[T]) PushMany(ctx context.Context, items []T) (int, error) {
	added := 0
	for added < len(items) {
		n, err := d.reserve(ctx, min(len(items)-added, commitItems))
		if err != nil {
			return added, err
		}
		stored, err := d.save(ctx, items[added:added+n])
		d.put(stored, n)
		if err != nil {
			return added, err
		}
		added += n
	}
	return added, nil
}

// reserve holds room for up to n items, at least one.
func (d *Durable[T]) reserve(ctx context.Context, n int) (int, error) {
	q := d.queue
	if err := q.lockForRoom(ctx); err != nil {
		return 0, err
	}
	defer q.unlock()
	n = min(n, q.cfg.Capacity-q.held())
	q.leased += n
	return n, nil
}

// save stores items.
func (d *Durable[T]) save(ctx context.Context, items []T) ([]Delivery[T], error) {
	values := make([][]byte, len(items))
	for i, v := range items {
		var err error
		if values[i], err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("queue: encode item: %w", err)
		}
	}
	stored, err := d.commit(ctx, items, values)
	if err != nil {
		return nil, fmt.Errorf("queue: store %d items: %w", len(items), err)
	}
	return stored, nil
}

func (d *Durable[T]) commit(ctx context.Context, items []T, values [][]byte) ([]Delivery[T], error) {
	levels := make([]int64, len(items))
	for i, v := range items {
		levels[i] = d.level(v)
	}
	places, err := d.ledger.admit(ctx, levels)
	if err != nil {
		return nil, err
	}
	keys, stored := make([][]byte, len(items)), make([]Delivery[T], len(items))
	for i, p := range places {
		keys[i] = d.ledger.keys.item(p)
		stored[i] = Delivery[T]{items[i], p}
	}
	if err := d.store.Commit(ctx, keys, values); err != nil {
		d.ledger.settle(places)
		return nil, err
	}
	return stored, nil
}

func places[T any](deliveries []Delivery[T]) []place {
	ps := make([]place, len(deliveries))
	for i, v := range deliveries {
		ps[i] = v.place
	}
	return ps
}

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
	waiting := d.ledger.waiting(places(deliveries))
	for done := range slices.Chunk(waiting, commitItems) {
		if err := d.ackSome(ctx, done); err != nil {
			return fmt.Errorf("queue: acknowledge %d items: %w", len(done), err)
		}
	}
	return nil
}

func (d *Durable[T]) ackSome(ctx context.Context, done []place) error {
	var w write
	for _, p := range done {
		w.set(d.ledger.keys.item(p), nil)
	}
	d.ledger.advance(&w, done)
	if err := d.store.Commit(ctx, w.keys, w.values); err != nil {
		return err
	}
	d.ledger.settle(done)
	return nil
}

// Len is the number of items that were not popped. O(1).
func (d *Durable[T]) Len() int { return d.queue.Len() }

// Close ends the queue as [Queue.Close] does. It does not close the store.
func (d *Durable[T]) Close() { d.queue.Close() }
