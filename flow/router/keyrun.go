package router

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balerhq/baler/flow"
)

// keyRun is one run of a KeyRouter. One goroutine hands the items to the
// routes, and waits for none.
type keyRun[In, Out any] struct {
	*KeyRouter[In, Out]
	out       chan<- []Out
	group     *errgroup.Group
	maxQueued int
	maxRoutes int
	idle      time.Duration

	byKey map[string]*keyRoute[In]
	held  []In               // received, and there is no room for the first
	over  chan *keyRoute[In] // whose stage has ended
	room  chan struct{}      // of capacity 1: there may be room for what is held
	ended chan struct{}      // closed when all items are in the queues

	order   list.List     // of the routes, the one with the latest item last
	leaving *keyRoute[In] // that was told to make room for another key
	sought  atomic.Bool   // there was none that could be told
}

func newKeyRun[In, Out any](r *KeyRouter[In, Out], out chan<- []Out) *keyRun[In, Out] {
	return &keyRun[In, Out]{
		KeyRouter: r,
		out:       out,
		maxQueued: cmp.Or(r.c.MaxQueued, 1024),
		maxRoutes: cmp.Or(r.c.MaxRoutes, 1024),
		idle:      cmp.Or(r.c.Idle, time.Minute),
		byKey:     make(map[string]*keyRoute[In]),
		over:      make(chan *keyRoute[In]),
		room:      make(chan struct{}, 1),
		ended:     make(chan struct{}),
	}
}

func (r *keyRun[In, Out]) run(ctx context.Context, in <-chan []In) error {
	group, inner := errgroup.WithContext(ctx)
	r.group = group
	group.Go(func() error { return r.loop(inner, in) })
	err := group.Wait()
	for _, route := range r.byKey { // of a run that was stopped
		r.queued.Add(-int64(route.waiting()))
		r.routes.Add(-1)
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return cause // a route may have been the first to return it
	}
	return err
}

func (r *keyRun[In, Out]) loop(ctx context.Context, in <-chan []In) error {
	source, open := in, true
	for open || len(r.byKey) > 0 {
		from := source
		if len(r.held) > 0 {
			from = nil
		}
		select {
		case items, ok := <-from:
			if !ok {
				source, open = nil, false
				close(r.ended)
				break
			}
			r.held = r.place(ctx, items)
		case route := <-r.over:
			r.restart(ctx, route)
			r.held = r.place(ctx, r.held)
		case <-r.room:
			r.sought.Store(false)
			r.held = r.place(ctx, r.held)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// place puts items into the queues of their routes. It returns those that must
// wait because there is no room for the first of them.
func (r *keyRun[In, Out]) place(ctx context.Context, items []In) (held []In) {
	for i, item := range items {
		key := r.key(item)
		full := &FullError{Key: key}
		if route := r.route(ctx, key); route != nil {
			if full.Queued = route.put(item); full.Queued == 0 {
				r.order.MoveToBack(route.latest)
				r.routed.Add(1)
				continue
			}
		}
		if r.c.Overflow == nil {
			return items[i:]
		}
		r.overflowed.Add(1)
		r.c.Overflow(item, full)
	}
	return nil
}

// route returns the route of a key, or nil if there are too many. Then one of
// them will make room if it can.
func (r *keyRun[In, Out]) route(ctx context.Context, key string) *keyRoute[In] {
	if route := r.byKey[key]; route != nil {
		return route
	}
	if len(r.byKey) >= r.maxRoutes {
		r.makeRoom()
		return nil
	}
	route := &keyRoute[In]{
		key: key, max: r.maxQueued, queued: &r.queued, room: r.room, sought: &r.sought,
		wake: make(chan struct{}, 1), leave: make(chan struct{}, 1),
	}
	r.byKey[key], route.latest = route, r.order.PushBack(route)
	r.routes.Add(1)
	r.start(ctx, route)
	return route
}

// makeRoom ends the idle route that has been without an item for longest. If
// none is idle, the first that becomes so will say it.
func (r *keyRun[In, Out]) makeRoom() {
	if r.leaving != nil || r.sought.Load() {
		return
	}
	r.sought.Store(true) // before the search: none is missed
	for at := r.order.Front(); at != nil; at = at.Next() {
		if route := at.Value.(*keyRoute[In]); route.isIdle() {
			r.sought.Store(false)
			r.leaving = route
			notify(route.leave)
			return
		}
	}
}

// start runs the stage of a route.
func (r *keyRun[In, Out]) start(ctx context.Context, route *keyRoute[In]) {
	in := make(chan []In, 1)
	stage := r.build(route.key)
	r.group.Go(func() error {
		defer close(in)
		return route.feed(ctx, in, r.idle, r.ended)
	})
	r.group.Go(func() error {
		if stage == nil {
			return fmt.Errorf("router: the route of key %q has no stage", route.key)
		}
		if err := flow.RunStage(ctx, stage, in, r.out); err != nil {
			return fmt.Errorf("router: route of key %q: %w", route.key, err)
		}
		return send(ctx, r.over, route)
	})
}

// restart forgets a route whose stage has ended, or, if items have come
// meanwhile, runs its stage again.
func (r *keyRun[In, Out]) restart(ctx context.Context, route *keyRoute[In]) {
	if r.leaving == route {
		r.leaving = nil
	}
	if route.waiting() > 0 {
		r.start(ctx, route)
		return
	}
	delete(r.byKey, route.key)
	r.order.Remove(route.latest)
	r.routes.Add(-1)
}
