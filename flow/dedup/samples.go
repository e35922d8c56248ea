package dedup

import (
	"context"
	"errors"
	"strconv"

	"github.com/balerhq/baler/flow"
)

// Sample is one of several independent requests for the same item.
type Sample[T any] struct {
	Item T
	N    int // counted from 0
}

// Key returns a key that differs between the samples of an item, so that
// [Coalesce] and [New] keep them apart. key is that of the item.
func (s Sample[T]) Key(key string) string { return key + "#" + strconv.Itoa(s.N) }

// Samples makes n samples of every item. Less than one is the error of the
// stage.
func Samples[T any](n int) flow.Func[T, Sample[T]] {
	return flow.FlatMap(func(_ context.Context, item T) ([]Sample[T], error) {
		if n < 1 {
			return nil, errors.New("dedup: samples: n must be at least one")
		}
		samples := make([]Sample[T], n)
		for i := range samples {
			samples[i] = Sample[T]{Item: item, N: i}
		}
		return samples, nil
	}).Named("samples")
}
