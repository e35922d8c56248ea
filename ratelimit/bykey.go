package ratelimit

import (
	"context"
	"fmt"
	"sync"
)

// Keyed holds one limiter per key: per model, per account, per kind of work. It
// is safe for concurrent use. Make it with [ByKey]: the zero value panics.
type Keyed[T any, K comparable] struct {
	key      func(T) K
	configs  map[K]Config
	fallback Config

	mu       sync.Mutex
	limiters map[K]*Limiter
}

// ByKey keeps each item under the limits of its key. A key that is not in
// configs has a limiter of its own with the limits of fallback. The zero
// fallback does not limit. An error names the key whose Config is wrong. Do not
// change configs later.
//
// Parallelism and time per kind of work are limits like any other:
//
//	kinds, err := ratelimit.ByKey(Ticket.Kind, map[string]ratelimit.Config{
//		"translate": {Slots: 8, Timeout: time.Minute},
//		"summarize": {Slots: 2, Timeout: 5 * time.Minute},
//	}, ratelimit.Config{Slots: 4, Timeout: time.Minute})
//
// The limiter of a key is kept once it was used, so there must be few keys.
func ByKey[T any, K comparable](key func(T) K, configs map[K]Config, fallback Config) (*Keyed[T, K], error) {
	for k, c := range configs {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("ratelimit: key %v: %w", k, err)
		}
	}
	if err := fallback.Validate(); err != nil {
		return nil, fmt.Errorf("ratelimit: fallback: %w", err)
	}
	return &Keyed[T, K]{key: key, configs: configs, fallback: fallback, limiters: make(map[K]*Limiter)}, nil
}

// Limiter returns the limiter of the item's key, the same one each time.
func (k *Keyed[T, K]) Limiter(item T) *Limiter {
	if k.limiters == nil {
		panic("ratelimit: a zero Keyed has no keys: make it with ByKey")
	}
	key := k.key(item)
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.limiters[key]
	if l == nil {
		c, ok := k.configs[key]
		if !ok {
			c = k.fallback
		}
		l = newLimiter(c)
		k.limiters[key] = l
	}
	return l
}

// Do is [Limiter.Do] under the limits of item's key, for one request in one
// slot. The call's context ends after the key's Timeout.
func (k *Keyed[T, K]) Do(ctx context.Context, item T, call func(context.Context) error) error {
	one := Cost{Requests: 1, Slots: 1}
	return k.Limiter(item).Do(ctx, one, func(ctx context.Context) (Cost, error) { return one, call(ctx) })
}
