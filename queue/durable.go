package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Durable is a queue whose items survive a restart. An item is stored before
// Push returns and stays stored until it is acknowledged: what was popped and
// not acknowledged when the process ended is there again after the next
// [Open]. Delivery is thus at least once. It is safe for concurrent use.
//
// The items are in memory as well, in an ordinary [Queue], so the policies, the
// order and the capacity are the same. After a restart items keep the order of
// their arrival; Aged counts their age from the restart.
type Durable[T any] struct {
	queue   *Queue[Delivery[T]]
	store   Store
	ledger  *ledger
	urgency urgency[T]
}

// Delivery is an item of a [Durable] queue. Give it to [Durable.Ack] when
// nothing more has to be done for the item.
type Delivery[T any] struct {
	Item  T
	place place // key is the level
}

// Open returns the queue of that name in store, with what waits in it. The name
// is not empty and contains no NUL. Items are stored as JSON. Only one Durable
// of a name may be in use at a time.
//
// It costs O(n log n) for n waiting items. What was acknowledged costs nothing,
// because the queue remembers where the first waiting item of each level is.
func Open[T any](ctx context.Context, store Store, name string, policy Policy[T], cfg Config) (*Durable[T], error) {
	if name == "" || strings.Contains(name, "\x00") {
		return nil, fmt.Errorf("queue: open %q: a name is not empty and contains no NUL", name)
	}
	d := &Durable[T]{
		queue:   New(delivered(policy), cfg),
		store:   store,
		ledger:  &ledger{store: store, keys: newKeyspace(name), levels: make(map[int64]*stock)},
		urgency: policy.urgency,
	}
	if d.queue.err != nil {
		return nil, d.queue.err
	}
	if err := d.load(ctx); err != nil {
		return nil, fmt.Errorf("queue: open %q: %w", name, err)
	}
	return d, nil
}

// delivered is the policy p for deliveries.
func delivered[T any](p Policy[T]) Policy[Delivery[T]] {
	return Policy[Delivery[T]]{
		urgency: urgency[Delivery[T]]{
			priority: onItem(p.urgency.priority),
			deadline: onItem(p.urgency.deadline),
		},
		aged:   p.aged,
		tenant: onItem(p.tenant),
		cost:   onItem(p.cost),
	}
}

func onItem[T, R any](f func(T) R) func(Delivery[T]) R {
	if f == nil {
		return nil
	}
	return func(d Delivery[T]) R { return f(d.Item) }
}

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
	slices.SortFunc(all, func(a, b Delivery[T]) int { return cmp.Compare(a.place.seq, b.place.seq) })
	d.put(all, 0)
	return err
}

func (d *Durable[T]) loadLevel(ctx context.Context, level int64, all []Delivery[T]) ([]Delivery[T], error) {
	from := d.ledger.keys.item(place{key: level, seq: d.ledger.levels[level].head})
	var bad error
	err := d.store.Scan(ctx, d.ledger.keys.items(level), from, func(key, value []byte) bool {
		v := Delivery[T]{place: place{key: level, seq: sequence(key)}}
		if bad = json.Unmarshal(value, &v.Item); bad != nil {
			return false
		}
		d.ledger.restore(v.place)
		all = append(all, v)
		return true
	})
	return all, errors.Join(err, bad)
}

// put adds stored items to the queue in memory, whatever its capacity, and
// gives up the room reserved for them.
func (d *Durable[T]) put(items []Delivery[T], reserved int) {
	d.queue.mu.Lock()
	defer d.queue.unlock()
	d.queue.leased -= reserved
	d.queue.order.tick()
	for _, v := range items {
		d.queue.order.push(v)
	}
}

// level is the level under which v is stored.
func (d *Durable[T]) level(v T) int64 {
	if d.urgency.priority != nil {
		return levelKey(d.urgency.priority(v))
	}
	return levelKey(d.queue.cfg.Level(d.urgency.deadline(v), time.Now()))
}
