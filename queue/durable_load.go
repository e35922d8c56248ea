package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/balerhq/baler/queue/internal/rank"
)

// load reads the stored items, each level from its head on.
func (d *Durable[T]) load(ctx context.Context) error {
	x := d.acks
	err := d.store.Scan(ctx, x.keys.bound(), x.keys.bound(), func(_, value []byte) bool {
		x.bound = lastNumber(value)
		x.seq = x.bound
		return false
	})
	if err != nil {
		return err
	}
	err = d.store.Scan(ctx, x.keys.heads(), x.keys.heads(), func(key, value []byte) bool {
		x.levels[headLevel(key)] = &levelState{head: lastNumber(value)}
		return true
	})
	var all []Delivery[T]
	for level := range x.levels {
		if err == nil {
			all, err = d.loadLevel(ctx, level, all)
		}
	}
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b Delivery[T]) int { return cmp.Compare(a.key.Seq, b.key.Seq) })
	if d.id != nil {
		all, err = d.unique(ctx, all)
	}
	d.requeue(all)
	return err
}

// unique keeps the last item of each id and acknowledges the others.
func (d *Durable[T]) unique(ctx context.Context, all []Delivery[T]) ([]Delivery[T], error) {
	last := make(map[string]rank.Key, len(all))
	for _, v := range all {
		last[v.id] = v.key
	}
	var stale []rank.Key
	all = slices.DeleteFunc(all, func(v Delivery[T]) bool {
		old := last[v.id] != v.key
		if old {
			stale = append(stale, v.key)
		}
		return old
	})
	return all, d.acknowledge(ctx, stale, nil)
}

func (d *Durable[T]) loadLevel(ctx context.Context, level int64, all []Delivery[T]) ([]Delivery[T], error) {
	from := d.acks.keys.item(rank.Key{Urgency: level, Seq: d.acks.levels[level].head})
	var bad error
	err := d.store.Scan(ctx, d.acks.keys.items(level), from, func(key, value []byte) bool {
		var v T
		if bad = json.Unmarshal(value, &v); bad != nil {
			return false
		}
		k := rank.Key{Urgency: level, Seq: itemSeq(key)}
		d.acks.restore(k)
		all = append(all, d.delivery(v, k))
		return true
	})
	return all, errors.Join(err, bad)
}

// requeue adds stored items to the queue in memory, whatever its capacity.
func (d *Durable[T]) requeue(items []Delivery[T]) {
	d.queue.mu.Lock()
	defer d.queue.unlock()
	d.enqueue(items)
}

// enqueue is requeue for a caller that holds the lock.
func (d *Durable[T]) enqueue(items []Delivery[T]) {
	d.queue.order.Tick()
	for _, v := range items {
		d.queue.add(v) //nolint:errcheck // the ids of stored items are taken already
	}
}
