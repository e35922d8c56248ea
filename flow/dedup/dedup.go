// Package dedup has stages that do the work for a key once, also over restarts:
//
//	keys := dedup.NewKeys(store)
//	fresh := flow.Via(p, orders, dedup.New(keys, Order.ID, nil))
//	claimed := flow.Via(p, fresh, dedup.Claim(keys, Order.ID))
//	done := flow.Via(p, flow.Via(p, claimed, flow.Each(work)), dedup.Settle(keys, Order.ID))
//
// [Coalesce] lets equal items that are in flight at a time share one answer.
package dedup

import (
	"context"

	"github.com/balerhq/baler/flow"
)

// New returns a stage that passes on one item of every key, and gives the
// others to duplicate, which may be nil. A key is a duplicate while it is on
// its way, and for ever when it was settled. What an earlier run had queued or
// claimed but not settled comes again: so a crash loses nothing, and a work
// that must not be done twice needs a record of its own of what it began.
//
// The stages after it take the key on: [Claim] before the work, [Settle] after
// it, or [Release] when it failed. Each moves up to 64 keys in one call of the
// store.
func New[T any](k *Keys, key func(T) string, duplicate func(context.Context, T) error) flow.Func[T, T] {
	d := dedup[T]{k, key, duplicate}
	return flow.Slicewise("dedup", d.filter)
}

type dedup[T any] struct {
	keys      *Keys
	key       func(T) string
	duplicate func(context.Context, T) error
}

func (d dedup[T]) filter(ctx context.Context, made, items []T) ([]T, error) {
	fresh, keys := make([]T, 0, len(items)), make([]string, 0, len(items))
	for _, item := range items {
		key := d.key(item)
		if d.keys.enter(key) {
			fresh, keys = append(fresh, item), append(keys, key)
		} else if err := d.reject(ctx, item); err != nil {
			return made, err
		}
	}
	were, err := d.keys.swap(ctx, keys, "", StateQueued)
	if err != nil {
		return made, err
	}
	var again []string // claimed by a run that is over
	for i, was := range were {
		if was == StateDone {
			d.keys.leave(keys[i])
			if err := d.reject(ctx, fresh[i]); err != nil {
				return made, err
			}
			continue
		}
		if was == StateClaimed {
			again = append(again, keys[i])
		}
		d.keys.passed.Add(1)
		made = append(made, fresh[i])
	}
	return made, d.keys.move(ctx, again, StateClaimed, StateQueued)
}

func (d dedup[T]) reject(ctx context.Context, item T) error {
	d.keys.duplicates.Add(1)
	if d.duplicate == nil {
		return nil
	}
	return d.duplicate(ctx, item)
}

// Claim marks the keys of items as being worked on and passes the items on.
// They must come from [New].
func Claim[T any](k *Keys, key func(T) string) flow.Func[T, T] {
	return transition("claim", key, func(ctx context.Context, keys []string) error {
		return k.move(ctx, keys, StateQueued, StateClaimed)
	})
}

// Settle marks the keys of items, or of what was made of them, as done for ever
// and passes the items on.
func Settle[T any](k *Keys, key func(T) string) flow.Func[T, T] {
	return transition("settle", key, func(ctx context.Context, keys []string) error {
		defer k.leave(keys...)
		return k.move(ctx, keys, StateClaimed, StateDone)
	})
}

// Release gives the keys of items back, so that an item with the same key may
// come again, and passes the items on.
func Release[T any](k *Keys, key func(T) string) flow.Func[T, T] {
	return transition("release", key, func(ctx context.Context, keys []string) error {
		defer k.leave(keys...)
		return k.move(ctx, keys, StateClaimed, StateQueued)
	})
}

func transition[T any](name string, key func(T) string, move func(context.Context, []string) error) flow.Func[T, T] {
	return flow.Slicewise(name, func(ctx context.Context, made, items []T) ([]T, error) {
		keys := make([]string, len(items))
		for i, item := range items {
			keys[i] = key(item)
		}
		if err := move(ctx, keys); err != nil {
			return made, err
		}
		return append(made, items...), nil
	})
}
