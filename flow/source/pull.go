package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
)

// Pull returns a source of what next returns, such as the Pop of a queue. It
// ends when next returns io.EOF. Next must return soon after its context ends.
//
// Ack acknowledges items that the job has kept, so that they need not come
// again; nil means that nobody is told. Items that were not acknowledged when
// the process ended should come again: the job recognizes those that it has by
// their keys. About how such a job ends, see durable.Feed.
func Pull[T any](name string, next func(context.Context) (T, error), ack func(items []T) error) *Inbox[T] {
	return &Inbox[T]{name: name, next: next, ack: ack, ctx: context.Background()}
}

// Chan returns a source of the items of a channel. It ends when the channel is
// closed. About ack see Pull.
func Chan[T any](name string, items <-chan T, ack func(items []T) error) *Inbox[T] {
	return Pull(name, func(ctx context.Context) (item T, err error) {
		select {
		case item, ok := <-items:
			if !ok {
				err = io.EOF
			}
			return item, err
		case <-ctx.Done():
			return item, context.Cause(ctx)
		}
	}, ack)
}

// Inbox is the source that Pull and Chan return. It implements durable.Feed.
type Inbox[T any] struct {
	name string
	next func(context.Context) (T, error)
	ack  func([]T) error
	ctx  context.Context //nolint:containedctx // of Items, which takes none
	n    int             // items that were yielded, also by earlier processes

	mu      sync.Mutex
	waiting []T // that were yielded and are not kept yet
}

// Begin sets the context with which Items ends.
func (b *Inbox[T]) Begin(ctx context.Context) { b.ctx = ctx }

// Items yields items as they come.
func (b *Inbox[T]) Items() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			item, err := b.next(b.ctx)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					yield(item, err)
				}
				return
			}
			b.n++
			b.wait(item)
			if !yield(item, nil) {
				return
			}
		}
	}
}

func (b *Inbox[T]) wait(item T) {
	if b.ack == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, item)
}

// Kept acknowledges the items that have waited longest.
func (b *Inbox[T]) Kept(items int) error {
	if b.ack == nil || items == 0 {
		return nil
	}
	b.mu.Lock()
	items = min(items, len(b.waiting))
	kept := b.waiting[:items:items]
	b.waiting = b.waiting[items:]
	b.mu.Unlock()
	return b.ack(kept)
}

// Position returns the name and the number of the item that was yielded last.
func (b *Inbox[T]) Position() (name string, line int) { return b.name, b.n }

// Checkpoint returns the number of items so far, so that no two have the same.
func (b *Inbox[T]) Checkpoint() string { return strconv.Itoa(b.n) }

// Resume goes on counting after a checkpoint. The items themselves cannot come
// again from their start.
func (b *Inbox[T]) Resume(checkpoint string) error {
	n, err := strconv.Atoi(checkpoint)
	if err != nil {
		return fmt.Errorf("source: %s cannot begin again: %q is no checkpoint of it", b.name, checkpoint)
	}
	b.n = n
	return nil
}
