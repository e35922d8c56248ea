package router

import (
	"context"
	"fmt"
)

// Assignments keeps the route of every item over a restart, so that work that
// was bought is not bought elsewhere again.
type Assignments interface {
	// Assigned returns the route that each of keys was assigned to, or an empty
	// string.
	Assigned(ctx context.Context, keys []string) (routes []string, err error)
	// Assign records the route of each of keys, which are distinct, before any
	// of the items goes there. They are the items of one slice, at most 128, or
	// all that waited for a route: a store that waits for the disk should do so
	// once.
	Assign(ctx context.Context, keys, routes []string) error
}

// recall looks up where items that no route has failed were sent before.
func (r *routing[In, Out]) recall(ctx context.Context, fls []*inFlight[In]) error {
	if r.c.Assignments == nil {
		return nil
	}
	keys, untried := make([]string, 0, len(fls)), make([]*inFlight[In], 0, len(fls))
	for _, fl := range fls {
		if len(fl.tried) == 0 {
			keys, untried = append(keys, fl.key), append(untried, fl)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	routes, err := r.c.Assignments.Assigned(ctx, keys)
	if err != nil {
		return fmt.Errorf("router: read the routes of %d items: %w", len(keys), err)
	}
	for i, fl := range untried {
		fl.home = routes[i]
	}
	return nil
}

// ledger is what one round of assignments has to record.
type ledger struct {
	keys, routes []string
	at           map[string]int // by key
}

// route returns where an item with the same key goes in this round.
func (l *ledger) route(key string) string {
	if i, ok := l.at[key]; ok {
		return l.routes[i]
	}
	return ""
}

func (l *ledger) enter(key, route string) {
	if i, ok := l.at[key]; ok {
		l.routes[i] = route
		return
	}
	if l.at == nil {
		l.at = map[string]int{}
	}
	l.at[key] = len(l.keys)
	l.keys, l.routes = append(l.keys, key), append(l.routes, route)
}

func (r *routing[In, Out]) remember(ctx context.Context, l ledger) error {
	if r.c.Assignments == nil || len(l.keys) == 0 {
		return nil
	}
	if err := r.c.Assignments.Assign(ctx, l.keys, l.routes); err != nil {
		return fmt.Errorf("router: record the routes of %d items: %w", len(l.keys), err)
	}
	return nil
}
