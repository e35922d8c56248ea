package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Push stores v and adds it, waiting for room while the queue is full. It
// returns [ErrClosed], [ErrDuplicate], the cause of a done ctx, or what the
// store or the encoding says. After an error of the store the item may or may
// not be there after a restart; it is not before.
func (d *Durable[T]) Push(ctx context.Context, v T) error {
	_, err := d.PushMany(ctx, []T{v})
	return err
}

// PushMany stores and adds the items in order and returns how many it added:
// all of them, unless the error says why not. Items share commits, so this is
// much cheaper than as many calls of Push.
func (d *Durable[T]) PushMany(ctx context.Context, items []T) (int, error) {
	added := 0
	for added < len(items) {
		some, err := d.reserve(ctx, items[added:])
		if err != nil {
			return added, err
		}
		stored, err := d.save(ctx, some)
		d.admit(some, stored)
		added += len(stored)
		if err != nil {
			return added, err
		}
	}
	return added, nil
}

// reserve keeps room and takes the ids for the first of items, at least for one.
func (d *Durable[T]) reserve(ctx context.Context, items []T) ([]T, error) {
	q := d.queue
	if err := q.lockForRoom(ctx); err != nil {
		return nil, err
	}
	defer q.unlock()
	n, err := d.claim(items[:min(len(items), commitItems, q.cfg.Capacity-q.held())])
	q.kept += n
	if n > 0 {
		return items[:n], nil
	}
	return nil, err
}

// admit adds those of the reserved items that were stored, the first ones, and
// gives up what was kept for all.
func (d *Durable[T]) admit(reserved []T, stored []Delivery[T]) {
	q := d.queue
	q.mu.Lock()
	defer q.unlock()
	q.kept -= len(reserved)
	d.enter(stored)
	d.unclaim(reserved[len(stored):])
}

// claim takes the ids of items up to the first that is taken already, and
// returns how many.
func (d *Durable[T]) claim(items []T) (int, error) {
	for i, v := range items {
		if err := d.queue.index.claim(d.delivery(v, place{})); err != nil {
			return i, err
		}
	}
	return len(items), nil
}

func (d *Durable[T]) unclaim(items []T) {
	for _, v := range items {
		d.queue.index.free(d.delivery(v, place{}))
	}
}

// save stores items in as few commits as it takes and returns those that it
// stored, which are the first ones.
func (d *Durable[T]) save(ctx context.Context, items []T) ([]Delivery[T], error) {
	values := make([][]byte, len(items))
	for i, v := range items {
		var err error
		if values[i], err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("queue: encode item: %w", err)
		}
	}
	var all []Delivery[T]
	for len(all) < len(items) {
		from := len(all)
		to := from + d.ledger.piece(values[from:])
		stored, err := d.commit(ctx, items[from:to], values[from:to])
		if err != nil {
			return all, fmt.Errorf("queue: store %d items: %w", to-from, err)
		}
		all = slices.Concat(all, stored)
	}
	return all, nil
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
		stored[i] = d.delivery(items[i], p)
	}
	if err := d.store.Commit(ctx, keys, values); err != nil {
		d.ledger.settle(places)
		return nil, err
	}
	return stored, nil
}
