package accumulator

import "time"

// none is the slot of a batch that is not in the heap.
const none = -1

// deadlines is a binary heap of batches that know their slot in it, so that one
// that closes early is removed in O(log n). Bales mostly arrive in the order
// of their deadlines, in which case push is O(1).
type deadlines[T any] struct{ heap []*openBatch[T] }

func (d *deadlines[T]) first() *openBatch[T] {
	if len(d.heap) == 0 {
		return nil
	}
	return d.heap[0]
}

// push adds a batch, unless it has no deadline.
func (d *deadlines[T]) push(b *openBatch[T]) {
	b.deadline = b.due()
	b.slot = none
	if b.deadline.IsZero() {
		return
	}
	d.heap = append(d.heap, b)
	d.up(b, len(d.heap)-1)
}

func (d *deadlines[T]) remove(b *openBatch[T]) {
	if b.slot == none {
		return
	}
	slot, last := b.slot, len(d.heap)-1
	moved := d.heap[last]
	d.heap[last] = nil
	d.heap = d.heap[:last]
	b.slot = none
	if moved != b {
		d.up(moved, slot)
		d.down(moved, moved.slot)
	}
}

// advance moves b forward after its deadline has become earlier.
func (d *deadlines[T]) advance(b *openBatch[T]) {
	if b.slot != none {
		b.deadline = b.due()
		d.up(b, b.slot)
	}
}

func (d *deadlines[T]) postpone(b *openBatch[T], due time.Time) {
	b.deadline = due
	d.down(b, b.slot)
}

// up places b at slot or above it.
func (d *deadlines[T]) up(b *openBatch[T], slot int) {
	for slot > 0 {
		parent := (slot - 1) / 2
		if !b.deadline.Before(d.heap[parent].deadline) {
			break
		}
		d.set(slot, d.heap[parent])
		slot = parent
	}
	d.set(slot, b)
}

// down places b at slot or below it.
func (d *deadlines[T]) down(b *openBatch[T], slot int) {
	for {
		child := 2*slot + 1
		if child >= len(d.heap) {
			break
		}
		if right := child + 1; right < len(d.heap) && d.heap[right].deadline.Before(d.heap[child].deadline) {
			child = right
		}
		if !d.heap[child].deadline.Before(b.deadline) {
			break
		}
		d.set(slot, d.heap[child])
		slot = child
	}
	d.set(slot, b)
}

func (d *deadlines[T]) set(slot int, b *openBatch[T]) {
	d.heap[slot] = b
	b.slot = slot
}
