package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

var errRenamed = errors.New("queue: Update must not change the id of a stored item")

// OpenIndexed is [Open] for items known by id, which must be unique among those
// that are not acknowledged, so that [Durable.Remove], [Durable.Update] and
// [Durable.Position] can find them. It costs a map entry per item. If an id is
// stored twice, because a Push that failed had been stored after all and was
// repeated, the later one counts.
func OpenIndexed[T any](ctx context.Context, store Store, name string, id func(T) string, policy Policy[T], cfg Config) (*Durable[T], error) {
	return open(ctx, store, name, id, policy, cfg)
}

// Remove takes the item with that id out of the queue and the store, and is the
// last word on it: it need not be acknowledged. It returns [ErrNotFound] if the
// item does not wait. After an error of the store the item waits as before, and
// may be gone after a restart. One commit, and O(log n).
func (d *Durable[T]) Remove(ctx context.Context, id string) (T, error) {
	var none T
	h, err := d.hold(ctx, id)
	if err != nil {
		return none, err
	}
	defer d.yield()
	if err := d.finish(ctx, []place{h.v.place}, nil); err != nil {
		d.queue.resume(h, h.v)
		return none, fmt.Errorf("queue: remove a stored item: %w", err)
	}
	d.queue.release(h)
	return h.v.Item, nil
}

// Update is [Queue.Update] for a stored item: it replaces it by what change
// makes of it, and the change survives a restart. change must keep the id. After
// an error of the store the item is as before, and may be changed after a
// restart. One commit, and O(log n).
//
// Nobody pops the item meanwhile. change must not call the queue.
func (d *Durable[T]) Update(ctx context.Context, id string, change func(T) T) error {
	h, err := d.hold(ctx, id)
	if err != nil {
		return err
	}
	defer d.yield()
	v := h.v // if anything fails, also in change
	defer func() { d.queue.resume(h, v) }()
	changed := d.delivery(change(h.v.Item), h.v.place)
	if changed.id != id {
		return errRenamed
	}
	if err := d.rewrite(ctx, changed); err != nil {
		return err
	}
	v = changed
	return nil
}

// rewrite stores an item over what it was. It keeps its key, and so its age and
// the level that it was pushed to: a head passes it when it is done.
func (d *Durable[T]) rewrite(ctx context.Context, v Delivery[T]) error {
	value, err := json.Marshal(v.Item)
	if err != nil {
		return fmt.Errorf("queue: encode item: %w", err)
	}
	if err := d.store.Commit(ctx, [][]byte{d.ledger.keys.item(v.place)}, [][]byte{value}); err != nil {
		return fmt.Errorf("queue: update a stored item: %w", err)
	}
	return nil
}

// Position is how many items leave before the one with that id, as for
// [Queue.Position]. It waits for a Remove or Update under way. O(log n).
func (d *Durable[T]) Position(id string) (int, error) {
	d.turn <- struct{}{}
	defer d.yield()
	return d.queue.Position(id)
}

// hold waits for the turn to change something and takes the item out.
func (d *Durable[T]) hold(ctx context.Context, id string) (held[Delivery[T]], error) {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return held[Delivery[T]]{}, context.Cause(ctx)
	}
	h, err := d.queue.hold(id)
	if err != nil {
		d.yield()
	}
	return h, err
}

// yield gives the turn to the next.
func (d *Durable[T]) yield() { <-d.turn }
