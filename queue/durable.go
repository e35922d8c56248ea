package queue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/balerhq/baler/queue/internal/order"
	"github.com/balerhq/baler/queue/internal/rank"
)

// Durable is a queue whose items survive a restart. Make it with [Open] or
// [OpenIndexed]: the zero Durable has no store, and its methods return an error
// that says so. An item is stored before
// Push returns and stays stored until it is acknowledged. An item that was
// popped and not acknowledged when the process ended is there again after the
// next [Open]. Delivery is thus at least once. A Durable is safe for concurrent
// use.
//
// The items are in memory as well, in an ordinary [Queue], so policies, order
// and capacity are the same. After a restart items keep the order of their
// arrival. Aged counts their age from the restart.
type Durable[T any] struct {
	queue   *Queue[Delivery[T]]
	store   Store
	acks    *ackIndex
	urgency urgency[T]
	id      func(T) string // nil unless indexed

	writer chan struct{} // holds the writer token while a Remove or Update is stored
}

// Delivery is an item of a [Durable] queue. Give it to [Durable.Ack] when the
// work for the item is done.
type Delivery[T any] struct {
	Item T
	key  rank.Key // its urgency is the level
	id   string   // empty unless indexed
}

// Open returns the queue of that name in store, with the items that wait in it.
// The name is not empty and contains no NUL. Items are stored as JSON. Only one
// Durable of a name may be in use at a time.
//
// Open costs O(n log n) for n waiting items. Acknowledged items cost nothing,
// because the queue remembers the first waiting item of each level.
func Open[T any](ctx context.Context, store Store, name string, policy Policy[T], cfg Config) (*Durable[T], error) {
	return open(ctx, store, name, nil, policy, cfg)
}

func open[T any](ctx context.Context, store Store, name string, id func(T) string, policy Policy[T], cfg Config) (*Durable[T], error) {
	if name == "" || strings.Contains(name, "\x00") {
		return nil, fmt.Errorf("queue: open %q: a name is not empty and contains no NUL", name)
	}
	policy = policy.withDefaults()
	d := &Durable[T]{
		queue:   New(delivered(policy), cfg),
		store:   store,
		acks:    &ackIndex{store: store, keys: newKeyspace(name), levels: make(map[int64]*levelState)},
		urgency: policy.urgency,
		id:      id,
		writer:  make(chan struct{}, 1),
	}
	if id != nil {
		d.queue.Index(func(v Delivery[T]) string { return v.id }).index.stored = true
	}
	if d.queue.err != nil {
		return nil, d.queue.err
	}
	if err := d.load(ctx); err != nil {
		return nil, fmt.Errorf("queue: open %q: %w", name, err)
	}
	return d, nil
}

// delivered returns the policy p for deliveries.
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

func (d *Durable[T]) delivery(v T, k rank.Key) Delivery[T] {
	if d.id == nil {
		return Delivery[T]{Item: v, key: k}
	}
	return Delivery[T]{Item: v, key: k, id: d.id(v)}
}

// level returns the level under which v is stored.
func (d *Durable[T]) level(v T) int64 {
	if d.urgency.priority != nil {
		return order.LevelKey(d.urgency.priority(v))
	}
	return order.LevelKey(d.queue.cfg.Level(d.urgency.deadline(v), time.Now()))
}

// check refuses a zero Durable.
func (d *Durable[T]) check() error {
	if d.queue == nil {
		return errZero
	}
	return nil
}

// Len returns the number of items that were not popped. O(1).
func (d *Durable[T]) Len() int {
	if d.queue == nil {
		return 0
	}
	return d.queue.Len()
}

// Stats returns what the queue holds. O(1).
func (d *Durable[T]) Stats() Stats {
	if d.queue == nil {
		return Stats{}
	}
	return d.queue.Stats()
}

// String names the stage in errors and graphs.
func (d *Durable[T]) String() string { return "durable queue" }

// Close ends the queue as [Queue.Close] does. It does not close the store.
func (d *Durable[T]) Close() {
	if d.queue != nil {
		d.queue.Close()
	}
}
