package join

import (
	"context"
	"time"

	"github.com/balerhq/baler/flow"
)

// Pair is what [Pairs] makes of two items with the same key.
type Pair[A, B any] struct {
	Left  A
	Right B
}

// PairConfig bounds a [Pairs], with the same meaning as in [Config].
type PairConfig[A, B any] struct {
	Within      time.Duration
	WithinItems int
	MaxOpen     int
	// Expired takes an item that found no partner in time: one of left and
	// right is nil. Nil means that such an item is an error: [ErrIncomplete].
	Expired func(ctx context.Context, left *A, right *B) error
	// Counts counts the pairs, and the items that found no partner. Nil means
	// that nobody asks.
	Counts *Counts
}

// Pairs joins the items of two streams by key, as [New] does those of one.
func Pairs[A, B any, K comparable](
	p *flow.Pipeline, as <-chan []A, bs <-chan []B, keyA func(A) K, keyB func(B) K, c PairConfig[A, B],
) <-chan []Pair[A, B] {
	type either struct {
		Pair[A, B]
		part int
	}
	lefts := flow.Via(p, as, flow.Map(func(_ context.Context, a A) (either, error) { return either{Pair[A, B]{Left: a}, 0}, nil }), flow.Name("left"))
	rights := flow.Via(p, bs, flow.Map(func(_ context.Context, b B) (either, error) { return either{Pair[A, B]{Right: b}, 1}, nil }), flow.Name("right"))
	key := func(e either) K {
		if e.part == 0 {
			return keyA(e.Left)
		}
		return keyB(e.Right)
	}
	join := Config[K, either]{Within: c.Within, WithinItems: c.WithinItems, MaxOpen: c.MaxOpen}
	if c.Expired != nil {
		join.Expired = func(ctx context.Context, g Group[K, either]) error {
			if g.Missing[0] == 0 {
				return c.Expired(ctx, nil, &g.Items[1].Right)
			}
			return c.Expired(ctx, &g.Items[0].Left, nil)
		}
	}
	stage := New(key, func(e either) int { return e.part }, 2, join)
	if c.Counts != nil {
		stage.counts = c.Counts
	}
	groups := flow.Via(p, flow.Merge(p, lefts, rights), stage)
	return flow.Via(p, groups, flow.Map(func(_ context.Context, g Group[K, either]) (Pair[A, B], error) {
		return Pair[A, B]{Left: g.Items[0].Left, Right: g.Items[1].Right}, nil
	}), flow.Name("pair"))
}
