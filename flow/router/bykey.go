package router

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/balerhq/baler/flow"
)

// KeyConfig is what a [KeyRouter] may be told. The zero value is ready to use.
type KeyConfig[In any] struct {
	// MaxQueued is how many items may wait for a route, beside what its stage
	// has taken. Zero means 1024.
	MaxQueued int
	// MaxRoutes is how many routes may exist at a time. Each has two
	// goroutines. When they all exist and another key comes, the one that has
	// been without an item for longest ends. Zero means 1024.
	MaxRoutes int
	// Idle is how long a route is kept without an item. Zero means one minute.
	Idle time.Duration
	// Overflow takes an item for which there is no room, with a [*FullError].
	// It is called in the goroutine of the stage, so it must be quick. Nil
	// means that such an item waits, and all that come after it, whatever their
	// key.
	Overflow func(item In, err error)
}

// KeyStats is what a [KeyRouter] has done so far, and holds now.
type KeyStats struct {
	Routed     int64 // items
	Overflowed int64 // items
	Routes     int   // that exist now
	Queued     int   // items that wait now
}

// KeyRouter is a stage that has a route of its own for each key. Make it with
// [ByKey].
type KeyRouter[In, Out any] struct {
	key   func(In) string
	build func(key string) flow.Stage[In, Out]
	c     KeyConfig[In]

	routed, overflowed, routes, queued atomic.Int64
}

// ByKey returns a stage that makes a route for each key when its first item
// comes: a limiter, an accumulator or a part of a pipeline for each tenant. A
// route that is slow has a queue and holds up no other. Results come as the
// routes make them. Those of one key keep the order in which its stage sends
// them.
//
// A route without an item for [KeyConfig.Idle] ends, or sooner if another key
// needs its place: its stage delivers what it holds, as at the end of the
// input. The next item of the key makes another one, after that. The error of a
// route is the error of the stage.
func ByKey[In, Out any](
	key func(In) string, build func(key string) flow.Stage[In, Out], c KeyConfig[In],
) *KeyRouter[In, Out] {
	return &KeyRouter[In, Out]{key: key, build: build, c: c}
}

// String names the stage.
func (r *KeyRouter[In, Out]) String() string { return "router by key" }

// Stats returns figures about all Runs of the stage. It may be called at any
// time.
func (r *KeyRouter[In, Out]) Stats() KeyStats {
	return KeyStats{
		Routed: r.routed.Load(), Overflowed: r.overflowed.Load(),
		Routes: int(r.routes.Load()), Queued: int(r.queued.Load()),
	}
}

// Run makes a KeyRouter a [flow.Stage].
func (r *KeyRouter[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Out) error {
	switch {
	case r.key == nil || r.build == nil:
		return errors.New("router: a KeyRouter needs a key and a function that builds routes: make it with ByKey")
	case r.c.MaxQueued < 0 || r.c.MaxRoutes < 0 || r.c.Idle < 0:
		return errors.New("router: KeyConfig: MaxQueued, MaxRoutes and Idle must not be negative")
	}
	return newKeyRun(r, out).run(ctx, in)
}

// FullError tells [KeyConfig.Overflow] why there is no room for an item.
type FullError struct {
	Key    string
	Queued int // items of the key that wait; 0 if there are too many routes
}

// Error implements error.
func (e *FullError) Error() string {
	if e.Queued == 0 {
		return fmt.Sprintf("router: no route for key %q: there are KeyConfig.MaxRoutes", e.Key)
	}
	return fmt.Sprintf("router: %d items of key %q wait already, which is KeyConfig.MaxQueued", e.Queued, e.Key)
}
