package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/balerhq/baler/queue/internal/rank"
)

var errRenamed = errors.New("queue: Update must not change the id of a stored item")

// OpenIndexed is [Open] for items known by id, which must be unique among those
// that are not acknowledged, so that [Durable.Remove], [Durable.Update] and
// [Durable.Position] can find them. It costs a map entry per item. If an id is
// stored twice, the later item counts: a Push that failed had been stored after
// all and was repeated.
func OpenIndexed[T any](ctx context.Context, store Store, name string, id func(T) string, policy Policy[T], cfg Config) (*Durable[T], error) {
	return open(ctx, store, name, id, policy, cfg)
}

// Remove takes the item with that id out of the queue and the store. The item
// need not be acknowledged. Remove returns [ErrNotFound] if the item does not
// wait. After an error of the store the item waits as before, and may be gone
// after a restart. Remove costs one commit and O(log n).
func (d *Durable[T]) Remove(ctx context.Context, id string) (T, error) {
	var none T
	out, err := d.checkOut(ctx, id)
	if err != nil {
		return none, err
	}
	defer d.releaseWriter()
	if err := d.acknowledge(ctx, []rank.Key{out.v.key}, nil); err != nil {
		d.queue.checkIn(out, out.v)
		return none, fmt.Errorf("queue: remove a stored item: %w", err)
	}
	d.queue.discard(out)
	return out.v.Item, nil
}

// Update is [Queue.Update] for a stored item. The change survives a restart.
// change must keep the id. After an error of the store the item is as before,
// and may be changed after a restart. Update costs one commit and O(log n).
//
// The item cannot be popped meanwhile. change must not call the queue.
func (d *Durable[T]) Update(ctx context.Context, id string, change func(T) T) error {
	out, err := d.checkOut(ctx, id)
	if err != nil {
		return err
	}
	defer d.releaseWriter()
	v := out.v // unchanged if anything fails, change included
	defer func() { d.queue.checkIn(out, v) }()
	changed := d.delivery(change(out.v.Item), out.v.key)
	if changed.id != id {
		return errRenamed
	}
	if err := d.rewrite(ctx, changed); err != nil {
		return err
	}
	v = changed
	return nil
}

// rewrite stores a changed item under its old key. So it keeps its age and the
// level that it was pushed to.
func (d *Durable[T]) rewrite(ctx context.Context, v Delivery[T]) error {
	value, err := json.Marshal(v.Item)
	if err != nil {
		return fmt.Errorf("queue: encode item: %w", err)
	}
	if err := d.store.Commit(ctx, [][]byte{d.acks.keys.item(v.key)}, [][]byte{value}); err != nil {
		return fmt.Errorf("queue: update a stored item: %w", err)
	}
	return nil
}

// Position returns how many items leave before the one with that id, as
// [Queue.Position] does. It waits for a Remove or Update under way. O(log n).
func (d *Durable[T]) Position(id string) (int, error) {
	if err := d.check(); err != nil {
		return 0, err
	}
	d.writer <- struct{}{}
	defer d.releaseWriter()
	return d.queue.Position(id)
}

// checkOut waits for the writer token and takes the item out.
func (d *Durable[T]) checkOut(ctx context.Context, id string) (checkedOut[Delivery[T]], error) {
	if err := d.check(); err != nil {
		return checkedOut[Delivery[T]]{}, err
	}
	select {
	case d.writer <- struct{}{}:
	case <-ctx.Done():
		return checkedOut[Delivery[T]]{}, context.Cause(ctx)
	}
	out, err := d.queue.checkOut(id)
	if err != nil {
		d.releaseWriter()
	}
	return out, err
}

// releaseWriter passes the writer token on.
func (d *Durable[T]) releaseWriter() { <-d.writer }
