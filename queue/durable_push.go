package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/balerhq/baler/queue/internal/rank"
)

// Push stores v and adds it. It waits for room while the queue is full. It
// returns [ErrClosed], [ErrDuplicate], the cause of a done ctx, or the error of
// the store or the encoding. After an error of the store the item is not in the
// queue, but may be after a restart.
func (d *Durable[T]) Push(ctx context.Context, v T) error {
	_, err := d.PushMany(ctx, []T{v})
	return err
}

// PushMany stores and adds the items in order and returns how many it added:
// all of them, unless the error says why not. Items share commits, so PushMany
// is much cheaper than as many calls of Push.
func (d *Durable[T]) PushMany(ctx context.Context, items []T) (int, error) {
	if err := d.check(); err != nil {
		return 0, err
	}
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

// reserve reserves room and claims the ids for the first of items, at least for
// one.
func (d *Durable[T]) reserve(ctx context.Context, items []T) ([]T, error) {
	q := d.queue
	if err := q.lockForRoom(ctx); err != nil {
		return nil, err
	}
	defer q.unlock()
	n, err := d.claimIDs(items[:min(len(items), commitItems, q.cfg.Capacity-q.occupied())])
	q.reserved += n
	if n > 0 {
		return items[:n], nil
	}
	return nil, err
}

// admit adds the reserved items that were stored, which are the first ones. It
// gives up the reserved room of all and the claimed ids of the others.
func (d *Durable[T]) admit(reserved []T, stored []Delivery[T]) {
	q := d.queue
	q.mu.Lock()
	defer q.unlock()
	q.reserved -= len(reserved)
	d.enqueue(stored)
	d.unclaimIDs(reserved[len(stored):])
}

// claimIDs takes the ids of items up to the first that is taken already. It
// returns how many it took.
func (d *Durable[T]) claimIDs(items []T) (int, error) {
	for i, v := range items {
		if err := d.queue.index.claim(d.delivery(v, rank.Key{})); err != nil {
			return i, err
		}
	}
	return len(items), nil
}

func (d *Durable[T]) unclaimIDs(items []T) {
	for _, v := range items {
		d.queue.index.free(d.delivery(v, rank.Key{}))
	}
}

// save stores items in as few commits as possible. It returns the items that
// were stored, which are the first ones.
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
		to := from + d.acks.maxItems(values[from:])
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
	keys, err := d.acks.assign(ctx, levels)
	if err != nil {
		return nil, err
	}
	storeKeys, stored := make([][]byte, len(items)), make([]Delivery[T], len(items))
	for i, k := range keys {
		storeKeys[i] = d.acks.keys.item(k)
		stored[i] = d.delivery(items[i], k)
	}
	if err := d.store.Commit(ctx, storeKeys, values); err != nil {
		d.acks.forget(keys)
		return nil, err
	}
	return stored, nil
}
