// Package router is a stage that sends every item to one of several routes, and
// fails over to another:
//
//	r, err := router.New(Item.Key, Reply.Key, router.RoundRobin[Item](),
//		[]router.Route[Item, Reply]{{Name: "small", Build: small}, {Name: "large", Build: large}},
//		router.Config[Item, Reply]{Failed: Reply.Bad})
//	...
//	replies := flow.Via(p, items, r)
//
// A [Strategy] chooses among the routes that take items: one after the other,
// by weight, by a table of keys, by load, price or latency, or a function of
// yours. [ByKey] makes a route for each key instead, when its first item comes.
package router

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Routed is a result with the way it came.
type Routed[Out any] struct {
	Result Out
	Route  string   // the route that made it
	Tried  []string // the routes that failed the item before, in order
}

// Config is what a [Router] may be told. The zero value is ready to use.
type Config[In, Out any] struct {
	// Failed reports whether a result is a failure that another route may cure.
	// The item then goes to a route that has not tried it, and waits for it if
	// it takes no items now; when all have tried, the failure is the result.
	// Nil means that no result is a failure.
	Failed func(Out) bool
	// Cost is the weight of an item in the load of a route, such as its tokens.
	// Nil means one each.
	Cost func(In) float64
	// Limit is how many items may be in flight in all routes together. It must
	// exceed what the routes gather before they answer. Zero means 65536.
	Limit int
	// Penalty is how long a route is skipped after a failure. Zero means not at
	// all.
	Penalty time.Duration
	// Recheck is how often routes are asked again whether they are open while
	// an item finds none that is. Zero means one second.
	Recheck time.Duration
	// Assignments remembers which route an item was sent to. Nil means that a
	// restart may send it to another.
	Assignments Assignments
}

// Router is a stage that sends every item to one of several routes and gathers
// their results, in the order in which they come. Items that fail go to another
// route.
type Router[In, Out any] struct {
	key    func(In) string
	of     func(Out) string
	pick   Strategy[In]
	routes []Route[In, Out]
	c      Config[In, Out]

	waiting atomic.Int64
	figures []routeFigures // by route
}

// New makes a Router. key identifies an item, and of tells the key of the item
// that a result belongs to. A route without a name or a stage, a name given
// twice, or a negative number is an error.
func New[In, Out any](
	key func(In) string, of func(Out) string, pick Strategy[In], routes []Route[In, Out], c Config[In, Out],
) (*Router[In, Out], error) {
	if err := checkRoutes(routes); err != nil {
		return nil, err
	}
	if c.Limit < 0 || c.Penalty < 0 || c.Recheck < 0 {
		return nil, errors.New("router: Config: Limit, Penalty and Recheck must not be negative")
	}
	if c.Limit == 0 {
		c.Limit = 1 << 16
	}
	if c.Recheck == 0 {
		c.Recheck = time.Second
	}
	if c.Cost == nil {
		c.Cost = func(In) float64 { return 1 }
	}
	if c.Failed == nil {
		c.Failed = func(Out) bool { return false }
	}
	return &Router[In, Out]{
		key: key, of: of, pick: pick, routes: routes, c: c,
		figures: make([]routeFigures, len(routes)),
	}, nil
}

func checkRoutes[In, Out any](routes []Route[In, Out]) error {
	if len(routes) == 0 {
		return errors.New("router: router without routes")
	}
	seen := map[string]bool{}
	for i, l := range routes {
		switch {
		case l.Name == "" || seen[l.Name]:
			return fmt.Errorf("router: routes[%d].Name %q is empty or taken", i, l.Name)
		case l.Build == nil:
			return fmt.Errorf("router: routes[%d].Build is nil", i)
		case l.Weight < 0 || l.Limit < 0:
			return fmt.Errorf("router: routes[%d]: Weight and Limit must not be negative", i)
		}
		seen[l.Name] = true
	}
	return nil
}

// String names the stage.
func (r *Router[In, Out]) String() string { return "router" }

// Run makes a Router a [flow.Stage]. It may run several times, one after the
// other or at once if the Strategy allows.
func (r *Router[In, Out]) Run(ctx context.Context, in <-chan []In, out chan<- []Routed[Out]) error {
	if len(r.routes) == 0 {
		return errors.New("router: a zero Router has no routes: make it with New")
	}
	run := newRun(r, out)
	defer run.forget()
	return run.run(ctx, in)
}
