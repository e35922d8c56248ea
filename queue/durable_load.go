package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
)

// load reads what is stored, level by level from its head.
func (d *Durable[T]) load(ctx context.Context) error {
	l := d.ledger
	err := d.store.Scan(ctx, l.keys.bound(), l.keys.bound(), func(_, value []byte) bool {
		l.bound = tail(value)
		l.seq = l.bound
		return false
	})
	if err != nil {
		return err
	}
	err = d.store.Scan(ctx, l.keys.heads(), l.keys.heads(), func(key, value []byte) bool {
		l.levels[level64(key)] = &stock{head: tail(value)}
		return true
	})
	var all []Delivery[T]
	for level := range l.levels {
		if err == nil {
			all, err = d.loadLevel(ctx, level, all)
		}
	}
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b Delivery[T]) int { return cmp.Compare(a.place.seq, b.place.seq) })
	if d.id != nil {
		all, err = d.unique(ctx, all)
	}
	d.put(all)
	return err
}

// unique leaves the last item of each id, and the others are done.
func (d *Durable[T]) unique(ctx context.Context, all []Delivery[T]) ([]Delivery[T], error) {
	last := make(map[string]place, len(all))
	for _, v := range all {
		last[v.id] = v.place
	}
	var stale []place
	all = slices.DeleteFunc(all, func(v Delivery[T]) bool {
		old := last[v.id] != v.place
		if old {
			stale = append(stale, v.place)
		}
		return old
	})
	return all, d.finish(ctx, stale, nil)
}

func (d *Durable[T]) loadLevel(ctx context.Context, level int64, all []Delivery[T]) ([]Delivery[T], error) {
	from := d.ledger.keys.item(place{key: level, seq: d.ledger.levels[level].head})
	var bad error
	err := d.store.Scan(ctx, d.ledger.keys.items(level), from, func(key, value []byte) bool {
		var v T
		if bad = json.Unmarshal(value, &v); bad != nil {
			return false
		}
		p := place{key: level, seq: sequence(key)}
		d.ledger.restore(p)
		all = append(all, d.delivery(v, p))
		return true
	})
	return all, errors.Join(err, bad)
}

// put adds stored items to the queue in memory, whatever its capacity.
func (d *Durable[T]) put(items []Delivery[T]) {
	d.queue.mu.Lock()
	defer d.queue.unlock()
	d.enter(items)
}

func (d *Durable[T]) enter(items []Delivery[T]) {
	d.queue.order.tick()
	for _, v := range items {
		d.queue.place(v) //nolint:errcheck // the ids of stored items are taken already
	}
}
