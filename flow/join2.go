package flow

import (
	"context"
	"time"
)

// Pair is what [Join2] makes of two items with the same key.
type Pair[A, B any] struct {
	Left  A
	Right B
}

// Join2Config bounds a [Join2], with the same meaning as in [JoinConfig].
type Join2Config[A, B any] struct {
	Within      time.Duration
	WithinItems int
	MaxOpen     int
	// Expired takes an item that found no partner in time: one of left and right is nil.
	// Nil means that such an item is an error: [ErrIncomplete].
	Expired func(ctx context.Context, left *A, right *B) error
}

// Join2 pairs the items of two streams by key, as [Join] does.
func Join2[A, B any, K comparable](
	p *Pipeline, as <-chan []A, bs <-chan []B, keyA func(A) K, keyB func(B) K, c Join2Config[A, B],
) <-chan []Pair[A, B] {
	type either struct {
		Pair[A, B]
		part int
	}
	lefts := Via(p, as, Map(func(_ context.Context, a A) (either, error) { return either{Pair[A, B]{Left: a}, 0}, nil }), Name("left"))
	rights := Via(p, bs, Map(func(_ context.Context, b B) (either, error) { return either{Pair[A, B]{Right: b}, 1}, nil }), Name("right"))
	key := func(e either) K {
		if e.part == 0 {
			return keyA(e.Left)
		}
		return keyB(e.Right)
	}
	join := JoinConfig[K, either]{Within: c.Within, WithinItems: c.WithinItems, MaxOpen: c.MaxOpen}
	if c.Expired != nil {
		join.Expired = func(ctx context.Context, g Group[K, either]) error {
			if g.Missing[0] == 0 {
				return c.Expired(ctx, nil, &g.Items[1].Right)
			}
			return c.Expired(ctx, &g.Items[0].Left, nil)
		}
	}
	groups := Via(p, Merge(p, lefts, rights), Join(key, func(e either) int { return e.part }, 2, join))
	return Via(p, groups, Map(func(_ context.Context, g Group[K, either]) (Pair[A, B], error) {
		return Pair[A, B]{Left: g.Items[0].Left, Right: g.Items[1].Right}, nil
	}), Name("pair"))
}
