package queue

import (
	"cmp"
	"context"
	"slices"
)

// Run makes the queue a stage, as [Queue.Run] does, from items to deliveries.
// It stores each item before it offers it. Items that waited in the store are
// delivered as well. The end of the pipeline calls [Durable.Ack].
func (d *Durable[T]) Run(ctx context.Context, in <-chan []T, out chan<- []Delivery[T]) error {
	if err := d.check(); err != nil {
		return err
	}
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

// saveAll stores the items that it receives and sends them on.
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
				if err := d.storeAndSend(ctx, some, stored); err != nil {
					return err
				}
			}
		}
	}
}

// storeAndSend stores items and sends them on. If it cannot send them, it adds
// them to the queue itself, for its next user.
func (d *Durable[T]) storeAndSend(ctx context.Context, items []T, stored chan<- []Delivery[T]) error {
	deliveries, err := d.storeAll(ctx, items)
	if err != nil {
		d.requeue(deliveries)
		return err
	}
	select {
	case stored <- deliveries:
		return nil
	case <-ctx.Done():
		d.requeue(deliveries)
		return context.Cause(ctx)
	}
}

// storeAll stores items as reserve, save and admit do, whether there is room or
// not.
func (d *Durable[T]) storeAll(ctx context.Context, items []T) ([]Delivery[T], error) {
	d.queue.mu.Lock()
	n, taken := d.claimIDs(items)
	d.queue.mu.Unlock()
	stored, err := d.save(ctx, items[:n])
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	d.unclaimIDs(items[len(stored):n])
	return stored, cmp.Or(err, taken)
}
