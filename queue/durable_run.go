package queue

import (
	"cmp"
	"context"
	"slices"
)

// Run makes the queue a stage, as [Queue.Run] does, from items to deliveries:
// it stores what it receives before it offers it, and what waited in the store
// is delivered as well. Whoever is at the end of the pipeline calls
// [Durable.Ack].
func (d *Durable[T]) Run(ctx context.Context, in <-chan []T, out chan<- []Delivery[T]) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stored := make(chan []Delivery[T])
	saved := make(chan error, 1)
	go func() {
		defer close(stored)
		err := d.saveAll(ctx, in, stored)
		if err != nil {
			cancel(err)
		}
		saved <- err
	}()
	err := d.queue.Run(ctx, stored, out)
	cancel(err)
	if failed := <-saved; err == nil {
		err = failed
	}
	return err
}

// saveAll stores what it receives and passes it on.
func (d *Durable[T]) saveAll(ctx context.Context, in <-chan []T, stored chan<- []Delivery[T]) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case items, ok := <-in:
			if !ok {
				return nil
			}
			for some := range slices.Chunk(items, commitItems) {
				if err := d.passOn(ctx, some, stored); err != nil {
					return err
				}
			}
		}
	}
}

// passOn stores items and sends them. If it cannot send them, they are in the
// queue all the same, for whoever uses it next.
func (d *Durable[T]) passOn(ctx context.Context, items []T, stored chan<- []Delivery[T]) error {
	deliveries, err := d.take(ctx, items)
	if err != nil {
		d.put(deliveries)
		return err
	}
	select {
	case stored <- deliveries:
		return nil
	case <-ctx.Done():
		d.put(deliveries)
		return context.Cause(ctx)
	}
}

// take stores items as reserve, save and admit do, whether there is room or not.
func (d *Durable[T]) take(ctx context.Context, items []T) ([]Delivery[T], error) {
	d.queue.mu.Lock()
	n, taken := d.claim(items)
	d.queue.mu.Unlock()
	stored, err := d.save(ctx, items[:n])
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	d.unclaim(items[len(stored):n])
	return stored, cmp.Or(err, taken)
}
